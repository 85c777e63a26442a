using System.Collections.Concurrent;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Schemas;

/// <summary>
/// What this process knows of tables. Knowledge is never trusted blindly: every use of a table compares the schema version in the same
/// round trip, and work that was prepared for another version is prepared again.
/// </summary>
internal sealed partial class TableSchemas(UnitOfWork work)
{
    private const string LoadTable = """
        select t.schema_version, t.database_id, t.name, t.description, t.primary_field_id, t.created_at, t.updated_at,
            t.deleted_at is not null as is_removed
        from data.database_table t where t.id = $1 and ($2 or t.deleted_at is null)
        """;

    private const string LoadFields = """
        select f.id, f.name, f.type, f.description, f.required, f.is_unique, f.allow_new_choices, f.max_length, f.precision,
            t.id as target_id, t.name as target_name, p.id as primary_id, p.type as primary_type, o.id as other_id, o.name as other_name,
            f.link_is_inverse, f.link_is_single or o.link_is_single as link_is_single
        from data.field f
            left join data.database_table t on t.id = f.link_table_id
            left join data.field p on p.id = t.primary_field_id
            left join data.field o on o.id = f.link_field_id
        where f.table_id = $1 and f.deleted_at is null order by f.position
        """;

    private const string LoadChoices = """
        select c.field_id, c.id, c.label, c.color, c.removed_at is not null as is_removed
        from data.choice c join data.field f on f.id = c.field_id
        where f.deleted_at is null and (f.table_id = $1 or f.id in (
            select t.primary_field_id from data.field l join data.database_table t on t.id = l.link_table_id
            where l.table_id = $1 and l.deleted_at is null))
        order by c.position
        """;

    private const string LoadViews = """
        select id, name, filter, sorting, fields, updated_at from data.view where table_id = $1 and deleted_at is null order by lower(name)
        """;

    private const string ChangedSchema = "PD001";
    private const int MaxAttempts = 4;
    private const int MaxRemembered = 10_000;

    private readonly ConcurrentDictionary<Guid, TableSchema> _remembered = new();

    /// <summary>Does work with a table's schema, again with the newer one if the schema was stale.</summary>
    /// <exception cref="RpcException">NOT_FOUND: no such table in the call's workspace and environment.</exception>
    public async Task<T> UseAsync<T>(ServerCallContext context, string tableId, Func<TableSchema, Task<T>> body)
    {
        var call = context.Call();
        if (!Ids.TryParse("tbl", tableId, out var id))
        {
            throw Problem.NotFound("table", tableId);
        }

        for (var attempt = 1; ; attempt++)
        {
            var isRemembered = _remembered.TryGetValue(id, out var schema);
            schema ??= await LoadAsync(call, id, context.CancellationToken) ?? throw Problem.NotFound("table", tableId);
            if (schema.WorkspaceId != call.WorkspaceId || schema.EnvironmentId != call.EnvironmentId)
            {
                throw Problem.NotFound("table", tableId);
            }

            try
            {
                return await body(schema);
            }
            catch (Exception exception) when (attempt < MaxAttempts && IsStale(exception))
            {
                Forget(id);
            }
            catch (PostgresException exception)
                when (exception.SqlState == PostgresErrorCodes.QueryCanceled && !context.CancellationToken.IsCancellationRequested)
            {
                throw TableEntry.TooSlow();
            }
            catch (RpcException exception)
                when (isRemembered && attempt < MaxAttempts && exception.StatusCode == StatusCode.InvalidArgument)
            {
                // Another process may have added in the meantime what is unknown here.
                Forget(id);
                var current = await LoadAsync(call, id, context.CancellationToken);
                if (current?.Version == schema.Version)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>The schema as it is now, for those who asked for it.</summary>
    /// <exception cref="RpcException">NOT_FOUND: no such table in the call's workspace and environment.</exception>
    public async Task<TableSchema> ReadAsync(ServerCallContext context, string tableId) =>
        Ids.TryParse("tbl", tableId, out var id) && await LoadAsync(context.Call(), id, context.CancellationToken) is { } schema
            ? schema
            : throw Problem.NotFound("table", tableId);

    /// <summary>What a change of this process made stale.</summary>
    public void Forget(Guid tableId) => _remembered.TryRemove(tableId, out _);

    /// <summary>The schema as the transaction sees it. It is not remembered: the transaction may not commit.</summary>
    public static Task<TableSchema?> LoadAsync(WriteTransaction tx, Guid tableId, bool evenRemoved = false) =>
        tx.BatchAsync(reader => ReadAsync(reader, tx.Call, tableId), [.. Statements(tableId, evenRemoved)]);

    private async Task<TableSchema?> LoadAsync(Call call, Guid tableId, CancellationToken cancellationToken)
    {
        var schema = await work.ReadAsync(
            call,
            SessionSettings.Default,
            reader => ReadAsync(reader, call, tableId),
            cancellationToken,
            [.. Statements(tableId)]
        );
        if (schema is not null)
        {
            if (_remembered.Count >= MaxRemembered)
            {
                _remembered.Clear();
            }

            _remembered[tableId] = schema;
        }

        return schema;
    }

    private static bool IsStale(Exception exception) =>
        exception
            is StaleSchemaException
                or PostgresException { SqlState: ChangedSchema or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedTable };

    private static IEnumerable<Statement> Statements(Guid tableId, bool evenRemoved = false) =>
        [new(LoadTable, tableId, evenRemoved), new(LoadChoices, tableId), new(LoadViews, tableId), new(LoadFields, tableId)];
}
