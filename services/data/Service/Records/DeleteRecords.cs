using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<DeleteRecordsResponse> DeleteRecords(DeleteRecordsRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, table =>
        {
            var ids = request
                .RecordIds.Distinct(StringComparer.Ordinal)
                .Select(text => Ids.TryParse("rec", text, out var id) ? id : throw Problem.NotFound("record", text))
                .Order()
                .ToArray();
            return work.WriteAsync(context, async tx =>
            {
                var found = await Deletion.LockAsync(tx, table, ids);
                var keys = found.ConvertAll(record => record.Id);
                if (ids.Select(RecordIds.Format).Except(keys).ToList() is { Count: > 0 } missing)
                {
                    throw Problem.NotFound("record", string.Join(", ", missing));
                }

                var linked = await Deletion.FindLinkedAsync(tx, table, ids);
                await tx.LeaveRoleAsync();
                await tx.ConfirmAsync(
                    Deletion.FingerprintOf(found, linked),
                    new
                    {
                        Table = table.Name,
                        Count = found.Count,
                        LinkedFrom = linked,
                        Records = found.Take(20).Select(record => new { record.Id, Fields = Deletion.Names(record) }),
                    }
                );
                var change = await Deletion.DeleteAsync(tx, table, ids);
                tx.Announce(
                    new RecordsDeleted(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, change, keys),
                    new Target("record", keys),
                    new Target("table", table.Key)
                );
                return new DeleteRecordsResponse { RecordIds = { keys } };
            });
        });
}

file sealed record LinkedFrom(string Table, string Field, long Records);

file static class Deletion
{
    // A preview travels in a header, of which clients of HTTP take 64 KiB.
    private const int MaxName = 200;

    /// <summary>What names the record, as far as it takes to recognize it.</summary>
    public static Dictionary<string, object?> Names(Record record)
    {
        using var fields = JsonDocument.Parse(record.Fields.Utf8.Memory);
        return fields
            .RootElement.EnumerateObject()
            .ToDictionary(
                field => field.Name,
                field =>
                    field.Value.ValueKind == JsonValueKind.String && field.Value.GetString() is { Length: > MaxName } text
                        ? text[..(char.IsHighSurrogate(text[MaxName - 1]) ? MaxName - 1 : MaxName)] + "…"
                        : (object?)field.Value.Clone()
            );
    }

    /// <summary>The records that exist, with the field that names them, locked until the transaction ends.</summary>
    public static async Task<List<Record>> LockAsync(WriteTransaction tx, TableSchema table, Guid[] ids)
    {
        using var rows = new RecordRows(new FieldSelection([table.PrimaryField], ByName: true));
        return await tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync();
                await reader.NextResultAsync();
                var found = new List<Record>();
                while (await reader.ReadAsync())
                {
                    found.Add(rows.Read(reader));
                }

                return found;
            },
            TableEntry.Lock(table),
            TableEntry.Role(tx.Call.WorkspaceId),
            new Statement(
                $"select {rows.Columns} from {table.QualifiedName} r "
                    + "where r.id = any($1) and r.deleted_at is null order by r.id for update",
                ids
            )
        );
    }

    /// <summary>How many records of which tables show links to these records, and will stop showing them.</summary>
    public static async Task<List<LinkedFrom>> FindLinkedAsync(WriteTransaction tx, TableSchema table, Guid[] ids)
    {
        var linked = new List<LinkedFrom>();
        foreach (var target in table.Fields.Select(field => field.Kind.Link).OfType<LinkTarget>().Where(target => target.IsInverse))
        {
            var count = await tx.ScalarAsync<long>(
                $"select count(*) from {target.QualifiedName} o where o.{target.OtherColumn} && $1 and o.deleted_at is null",
                ids
            );
            if (count > 0)
            {
                linked.Add(new LinkedFrom(target.TableName, target.FieldName, count));
            }
        }

        return linked;
    }

    /// <summary>Of all that the preview shows: the links to the records as well, which end with them.</summary>
    public static string FingerprintOf(List<Record> records, List<LinkedFrom> linked) =>
        Convert.ToHexString(
            SHA256.HashData(
                System.Text.Encoding.UTF8.GetBytes(
                    string.Join(' ', records.Select(record => $"{record.Id}@{record.Version}"))
                        + string.Concat(linked.Select(from => $"\n{from}"))
                )
            )
        );

    /// <summary>Marks the records as deleted; they and their state before stay for history.</summary>
    public static async Task<Guid> DeleteAsync(WriteTransaction tx, TableSchema table, Guid[] ids)
    {
        var change = RecordHistory.Change(tx, table, "deleted", ids);
        await tx.BatchAsync(
            _ => Task.FromResult(0),
            change.Insert,
            TableEntry.Role(tx.Call.WorkspaceId),
            new Statement(
                $"""
                with gone as (
                    update {table.QualifiedName} r set deleted_at = $2, version = r.version + 1, updated_at = $2, updated_by = $3
                    from {table.QualifiedName} before where before.id = r.id and r.id = any($1)
                    returning before.id, before.version, before.updated_at, before.updated_by
                )
                insert into data.record_before (workspace_id, environment_id, record_id, version, change_id, before)
                select $4, $5, g.id, g.version, $6,
                    jsonb_build_object('version', g.version, 'updated_at', g.updated_at, 'updated_by', g.updated_by)
                from gone g
                """,
                ids,
                tx.Now.UtcDateTime,
                tx.Call.ActorId,
                tx.Call.WorkspaceId,
                tx.Call.EnvironmentId,
                change.Id
            )
        );
        return change.Id;
    }
}
