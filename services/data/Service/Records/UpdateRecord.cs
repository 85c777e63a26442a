using Grpc.Core;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<UpdateRecordResponse> UpdateRecord(UpdateRecordRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, async table =>
        {
            var selection = FieldSelection.Of(table, request.ReturnFields, request.FieldKeys, allByDefault: false);
            var id = Ids.TryParse("rec", request.RecordId, out var parsed) ? parsed : throw Problem.NotFound("record", request.RecordId);
            RecordValues? values = null;
            try
            {
                return await work.WriteAsync(context, async tx =>
                {
                    var current = await NewChoices.AddAsync(tx, table, [request.Fields]);
                    values = RecordValues.OfChange(current, request.Fields);
                    using var rows = new RecordRows(selection);
                    var fields = values.Columns.Select(column => column.Field).ToList();
                    if (fields.Count == 0)
                    {
                        throw Problem.Invalid("fields", "names no field", current.KnownFields(withSystem: false));
                    }

                    var update = new RecordUpdate(tx, current, id, request.HasExpectedVersion ? request.ExpectedVersion : null, values);
                    var (before, record) = await update.RunAsync(rows);
                    if (before is null)
                    {
                        throw Problem.NotFound("record", request.RecordId);
                    }

                    if (request.HasExpectedVersion && before != request.ExpectedVersion)
                    {
                        throw Problem.Conflict("VERSION_CONFLICT",
                            $"The record has version {before}, not {request.ExpectedVersion}: somebody changed it meanwhile.",
                            "Read it again, and repeat the change with its version.");
                    }

                    if (record is null)
                    {
                        // Every value is what it was: nothing to write, nothing to tell.
                        return new UpdateRecordResponse { Record = await update.ReadUnchangedAsync(rows) };
                    }

                    tx.Announce(new RecordUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, current.Key, update.ChangeId, request.RecordId, record.Version,
                        fields.ConvertAll(field => field.Key)), new Target("record", request.RecordId), new Target("table", current.Key));
                    return new UpdateRecordResponse { Record = record };
                });
            }
            catch (PostgresException exception) when (UniqueValues.FieldOf(exception, table) is { } field)
            {
                throw await UniqueValues.ExplainAsync(work, context, table, field, values!.Columns.First(column => column.Field.Id == field.Id).Values, _ => "fields");
            }
        });
}

file sealed class RecordUpdate(WriteTransaction tx, TableSchema table, Guid id, long? expectedVersion, RecordValues values)
{
    private readonly QueryParameters _parameters = new();

    public Guid ChangeId { get; } = Ids.New();

    /// <summary>The version before, null when there is no such record; and the record after, null when nothing changed.</summary>
    public Task<(long? Before, Record? After)> RunAsync(RecordRows rows) => tx.BatchAsync(async reader =>
    {
        await reader.NextResultAsync();
        await reader.NextResultAsync();
        if (!await reader.ReadAsync())
        {
            return ((long?)null, (Record?)null);
        }

        return (reader.GetInt64(rows.Count), reader.IsDBNull(0) ? null : rows.Read(reader));
    }, TableEntry.Lock(table), TableEntry.Role(tx.Call.WorkspaceId), Update(rows));

    public Task<Record> ReadUnchangedAsync(RecordRows rows) => tx.BatchAsync(async reader =>
    {
        await reader.ReadAsync();
        return rows.Read(reader);
    }, new Statement($"select {rows.Columns} from {table.QualifiedName} r where r.id = $1", id));

    // One statement: the row as it was is locked, replaced, and kept in history.
    private Statement Update(RecordRows rows)
    {
        var call = tx.Call;
        var columns = values.Columns.Select(column => (
            Name: column.Field.Column,
            Value: _parameters.Add(column.Field.Kind.Parameter(column.Values[0])) + column.Field.Kind.Cast)).ToList();
        var record = _parameters.Add(NpgsqlDbType.Uuid, id);
        var at = _parameters.Add(NpgsqlDbType.TimestampTz, tx.Now.UtcDateTime);
        var by = _parameters.AddText(call.ActorId);
        var expected = _parameters.Add(NpgsqlDbType.Bigint, expectedVersion);
        var (workspace, environment) = (_parameters.Add(NpgsqlDbType.Uuid, call.WorkspaceId), _parameters.Add(NpgsqlDbType.Uuid, call.EnvironmentId));
        var change = _parameters.Add(NpgsqlDbType.Uuid, ChangeId);
        var old = string.Join(", ", columns.Select(column => "before." + column.Name));
        return new Statement($"""
            with before as (select * from {table.QualifiedName} where id = {record} and deleted_at is null for update),
            r as (
                update {table.QualifiedName} t
                set {string.Join(", ", columns.Select(column => $"{column.Name} = {column.Value}"))},
                    version = before.version + 1, updated_at = {at}, updated_by = {by}
                from before
                where t.id = before.id and ({expected} is null or before.version = {expected})
                    and row({old}) is distinct from row({string.Join(", ", columns.Select(column => column.Value))})
                returning t.*
            ),
            changed as (
                insert into data.record_change (workspace_id, environment_id, id, table_id, kind, record_ids, changed_at, changed_by, call_id, tool, task)
                select {workspace}, {environment}, {change}, {_parameters.Add(NpgsqlDbType.Uuid, table.Id)}, 'updated', array[r.id], {at}, {by},
                    {_parameters.AddText(call.CallId)}, {_parameters.AddText(call.Tool)}, {_parameters.AddText(call.Task)}
                from r
            ),
            kept as (
                insert into data.record_before (workspace_id, environment_id, record_id, version, change_id, before)
                select {workspace}, {environment}, before.id, before.version, {change}, to_jsonb(image)
                from before join r on true, lateral (select before.version, before.updated_at, before.updated_by, {old}) as image
            )
            select {rows.Columns}, before.version from before left join r on true
            """, _parameters.Values);
    }
}
