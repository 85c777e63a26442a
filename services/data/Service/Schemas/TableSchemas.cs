using System.Collections.Concurrent;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Schemas;

/// <summary>Thrown when a table turns out to have another schema version than the one that work was prepared for.</summary>
internal sealed class StaleSchemaException : Exception;

/// <summary>
/// What this process knows of tables. Knowledge is never trusted blindly: every use of a table compares the schema version in the same
/// round trip, and work that was prepared for another version is prepared anew.
/// </summary>
internal sealed class TableSchemas(UnitOfWork work)
{
    private const string LoadTable = """
        select t.schema_version, t.database_id, t.name, t.description, t.primary_field_id, t.created_at, t.updated_at
        from data.database_table t where t.id = $1 and t.deleted_at is null
        """;

    private const string LoadFields = """
        select id, name, type, description, required, is_unique, allow_new_choices, max_length, precision
        from data.field where table_id = $1 and deleted_at is null order by position
        """;

    private const string LoadChoices = """
        select c.field_id, c.id, c.label, c.color, c.removed_at is not null from data.choice c join data.field f on f.id = c.field_id
        where f.table_id = $1 and f.deleted_at is null order by c.position
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
                throw Problem.Of(StatusCode.ResourceExhausted, "QUERY_TOO_SLOW",
                    "The query took longer than 15 seconds and was given up.", "Filter by more, or leave out includeTotal.");
            }
            catch (RpcException exception) when (isRemembered && attempt < MaxAttempts && exception.StatusCode == StatusCode.InvalidArgument)
            {
                // What is unknown here may have been added by another process since.
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
    public async Task<TableSchema> ReadAsync(ServerCallContext context, string tableId) => Ids.TryParse("tbl", tableId, out var id)
        && await LoadAsync(context.Call(), id, context.CancellationToken) is { } schema ? schema : throw Problem.NotFound("table", tableId);

    /// <summary>What a change of this process made stale.</summary>
    public void Forget(Guid tableId) => _remembered.TryRemove(tableId, out _);

    /// <summary>The schema as the transaction sees it. It is not remembered: the transaction may not commit.</summary>
    public static Task<TableSchema?> LoadAsync(WriteTransaction tx, Guid tableId) =>
        tx.BatchAsync(reader => ReadAsync(reader, tx.Call, tableId), [.. Statements(tableId)]);

    private async Task<TableSchema?> LoadAsync(Call call, Guid tableId, CancellationToken cancellationToken)
    {
        var schema = await work.ReadAsync(call, SessionSettings.Default, reader => ReadAsync(reader, call, tableId), cancellationToken,
            [.. Statements(tableId)]);
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

    private static bool IsStale(Exception exception) => exception is StaleSchemaException
        or PostgresException { SqlState: ChangedSchema or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedTable };

    private static IEnumerable<Statement> Statements(Guid tableId) => [new(LoadTable, tableId), new(LoadChoices, tableId), new(LoadFields, tableId)];

    private static async Task<TableSchema?> ReadAsync(NpgsqlDataReader reader, Call call, Guid tableId)
    {
        if (!await reader.ReadAsync())
        {
            return null;
        }

        var (version, databaseId, name, description) = (reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetString(3));
        var (primaryFieldId, createdAt, updatedAt) = (reader.GetGuid(4), reader.GetDateTime(5), reader.GetDateTime(6));
        await reader.NextResultAsync();
        var choices = new Dictionary<Guid, List<(ChoiceSchema Choice, bool IsRemoved)>>();
        while (await reader.ReadAsync())
        {
            if (!choices.TryGetValue(reader.GetGuid(0), out var ofField))
            {
                choices.Add(reader.GetGuid(0), ofField = []);
            }

            ofField.Add((new ChoiceSchema(reader.GetGuid(1), reader.GetString(2), reader.GetString(3)), reader.GetBoolean(4)));
        }

        await reader.NextResultAsync();
        var fields = new List<FieldSchema>();
        while (await reader.ReadAsync())
        {
            var id = reader.GetGuid(0);
            var ofField = choices.GetValueOrDefault(id) ?? [];
            fields.Add(new FieldSchema(id, reader.GetString(1), FieldKind.Of(reader.GetString(2)), FieldSchema.ColumnOf(id))
            {
                Description = reader.GetString(3),
                Required = reader.GetBoolean(4),
                Unique = reader.GetBoolean(5),
                AllowNewChoices = reader.GetBoolean(6),
                MaxLength = reader.IsDBNull(7) ? null : reader.GetInt32(7),
                Precision = reader.IsDBNull(8) ? null : reader.GetInt32(8),
                Choices = [.. ofField.Where(choice => !choice.IsRemoved).Select(choice => choice.Choice)],
                RemovedChoices = [.. ofField.Where(choice => choice.IsRemoved).Select(choice => choice.Choice)],
            });
        }

        return new TableSchema(call.WorkspaceId, call.EnvironmentId!.Value, tableId, version, fields)
        {
            DatabaseId = databaseId,
            Name = name,
            Description = description,
            PrimaryFieldId = primaryFieldId,
            CreatedAt = createdAt,
            UpdatedAt = updatedAt,
        };
    }
}
