using System.Buffers;
using System.Data;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<ListRecordHistoryResponse> ListRecordHistory(ListRecordHistoryRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, async table =>
        {
            var id = Ids.TryParse("rec", request.RecordId, out var parsed) ? parsed : throw Problem.NotFound("record", request.RecordId);
            var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
            var after = cursors.Open(request.Cursor, id.ToByteArray()) is [{ } version]
                ? long.Parse(version, System.Globalization.CultureInfo.InvariantCulture)
                : long.MaxValue;
            var selection = FieldSelection.Of(table, request.ReturnFields, "name", allByDefault: true);
            var answer = await work.ReadAsync(
                context.Call(),
                SessionSettings.Default,
                async reader =>
                {
                    await TableEntry.CheckAsync(reader, table);
                    var changes = new ListRecordHistoryResponse();
                    var page = Page.Of(changes.Changes, limit);
                    while (await reader.ReadAsync())
                    {
                        var change = History.Read(reader, selection);
                        if (!page.TryAdd(change, () => cursors.Seal(id.ToByteArray(), $"{change.Version}")))
                        {
                            break;
                        }
                    }

                    changes.Page = page.Info;
                    return changes;
                },
                context.CancellationToken,
                TableEntry.For(table),
                History.Find(table, selection, id, after, limit + 1)
            );
            if (answer.Changes.Count == 0 && after == long.MaxValue)
            {
                throw Problem.NotFound("record", request.RecordId);
            }

            return answer;
        });
}

file static class History
{
    // Expressions of fields have no names: they follow behind so many columns that do.
    private const int NamedColumns = 8;

    /// <summary>
    /// Every change has kept the state before it, except the creation, which had none. The creation is found by the moment in the record's
    /// id, which is the moment of the creation.
    /// </summary>
    public static Statement Find(TableSchema table, FieldSelection selection, Guid record, long after, int count) =>
        new(
            $"""
            with step as (
                select b.version + 1 as version, b.change_id, b.before from data.record_before b
                join data.record_change c on c.id = b.change_id and c.table_id = $1 where b.record_id = $2
                union all
                (select 1, c.id, jsonb '{"{}"}' from data.record_change c
                where c.table_id = $1 and c.kind = 'created' and c.changed_at >= $5 and c.changed_at < $5 + interval '1 ms'
                    and $2 = any(c.record_ids))
            )
            select s.version, c.kind, c.changed_at, c.changed_by, c.call_id, c.tool, c.task,
                array(select jsonb_object_keys(s.before)) as kept
                {string.Concat(selection.Fields.Select(field => ", " + field.Kind.Select("r." + field.Column)))}
            from step s join data.record_change c on c.id = s.change_id
            cross join lateral jsonb_populate_record(null::{table.QualifiedName}, s.before) as r
            where s.version < $3 order by s.version desc limit $4
            """,
            table.Id,
            record,
            after,
            count,
            RecordIds.MomentOf(record)
        );

    public static HistoryEntry Read(NpgsqlDataReader row, FieldSelection selection)
    {
        var entry = new HistoryEntry
        {
            Version = row.GetInt64("version"),
            Kind = row.GetString("kind"),
            ChangedAt = Timestamp.FromDateTime(row.GetDateTime("changed_at")),
            ChangedBy = row.GetString("changed_by"),
            CallId = row.GetString("call_id"),
            Tool = row.GetString("tool"),
            Task = row.IsDBNull("task") ? "" : row.GetString("task"),
        };
        entry.Before = new Json { Utf8 = ReadBefore(row, selection, entry.LeftOut) };
        return entry;
    }

    private static ByteString ReadBefore(NpgsqlDataReader row, FieldSelection selection, IDictionary<string, int> leftOut)
    {
        var kept = row.GetFieldValue<string[]>("kept").ToHashSet(StringComparer.Ordinal);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonText.Options))
        {
            json.WriteStartObject();
            for (var i = 0; i < selection.Fields.Count; i++)
            {
                var field = selection.Fields[i];
                if (!kept.Contains(field.Column))
                {
                    continue;
                }

                json.WritePropertyName(field.EncodedName);
                if (row.IsDBNull(NamedColumns + i))
                {
                    json.WriteNullValue();
                }
                else
                {
                    field.Kind.Write(json, row, NamedColumns + i, field);
                }
            }

            json.WriteEndObject();
        }

        return FittingFields.Of(buffer, leftOut);
    }
}
