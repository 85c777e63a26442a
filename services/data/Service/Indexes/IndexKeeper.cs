using System.Diagnostics.Metrics;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Options;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Data.Service.Indexes;

/// <summary>
/// Builds the indexes that searches have earned, and drops those that nobody uses. One leader among the replicas. An index is built beside
/// reads and writes, by the role of its workspace; a schema change of the table goes first.
/// </summary>
internal sealed partial class IndexKeeper(
    LeaderLoop leader,
    IndexBuilder builder,
    UnitOfWork work,
    IOptions<IndexOptions> options,
    TimeProvider time,
    ILogger<IndexKeeper> log
) : BackgroundService
{
    public const string Role = "data_keeper";

    private const string FindEarned = """
        select workspace_id, environment_id, table_id, shape, searches, milliseconds from data.search_usage
        where searches >= $1 and milliseconds >= searches * $2 order by milliseconds desc limit 100
        """;

    private const string FindIndexes = """
        select e.workspace_id, e.environment_id, e.id, e.table_id, e.name, e.keys, e.is_ready, e.last_used_at, e.scans_seen,
            c.oid is not null, coalesce(i.indisvalid, false), coalesce(pg_stat_get_numscans(c.oid), 0)
        from data.earned_index e
            left join pg_class c on c.relname = e.name
                and c.relnamespace = to_regnamespace('ws_' || replace(e.workspace_id::text, '-', ''))::oid
            left join pg_index i on i.indexrelid = c.oid
        order by e.id
        """;

    private const string ForgetOld = "delete from data.search_usage where last_at < now() - interval '7 days'";

    private const string StartAnew =
        "update data.search_usage set searches = 0, milliseconds = 0, since = $3 where table_id = $1 and shape = $2";

    private const string FindKeys = "select keys from data.earned_index where table_id = $1";

    private const string Insert = """
        insert into data.earned_index (id, table_id, name, keys, created_at, last_used_at) values ($1, $2, $3, $4, $5, $5)
        """;

    private const string Finish = "update data.earned_index set is_ready = true, last_used_at = $2 where id = $1 and not is_ready";

    private const string Use = """
        update data.earned_index set uses = uses + $2 - case when $2 < scans_seen then 0 else scans_seen end, scans_seen = $2, last_used_at = $3
        where id = $1
        """;

    private const string Delete = "delete from data.earned_index where id = $1";

    private static readonly Counter<long> _changed = PlatformMeter.Instance.CreateCounter<long>(
        "platform.data.indexes",
        "{index}",
        "Indexes that searches earned, and what became of them: built, failed, gave_way, limit, dropped."
    );

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        leader.RunAsync("platform.data.indexes", Role, KeepAsync, stoppingToken);

    private async Task KeepAsync(LeaderSession session, CancellationToken cancellationToken)
    {
        DateTimeOffset? tidied = null;
        while (true)
        {
            // What a leader before this one began is ended first.
            if (tidied is null || time.GetUtcNow() - tidied >= options.Value.TidyEvery)
            {
                tidied = await TidyAsync(session, cancellationToken) ? time.GetUtcNow() : null;
            }

            foreach (var earned in await FindEarnedAsync(session.Connection, cancellationToken))
            {
                tidied = await TryAsync(() => EarnAsync(session, earned, cancellationToken)) ? tidied : null;
            }

            await Task.Delay(options.Value.LookEvery, time, cancellationToken);
        }
    }

    /// <returns>False when something is left to tidy.</returns>
    private async Task<bool> EarnAsync(LeaderSession session, Earned earned, CancellationToken cancellationToken)
    {
        await using var hold = await IndexBuilder.TryHoldAsync(session, earned.TableId, cancellationToken);
        if (hold is null)
        {
            return true;
        }

        if (await BeginAsync(earned, cancellationToken) is not var (index, keys))
        {
            return true;
        }

        var outcome = await builder.RunAsync(
            hold,
            earned.WorkspaceId,
            [
                $"create index concurrently if not exists {index.Name} on {keys.Table} ({string.Join(", ", keys.Keys.Select(key => key.Sql))}) "
                    + "where deleted_at is null",
                // Expressions have statistics only once they have an index.
                $"analyze {keys.Table}",
            ],
            cancellationToken
        );
        Tell(
            outcome switch
            {
                null => "built",
                IndexBuilder.GaveWay => "gave_way",
                _ => "failed",
            }
        );
        if (outcome is not null)
        {
            LogNotBuilt(index.Name, outcome);
            if (outcome != IndexBuilder.GaveWay)
            {
                await WriteAsync(
                    earned.WorkspaceId,
                    earned.EnvironmentId,
                    tx => tx.ExecuteAsync(StartAnew, earned.TableId, earned.Shape, tx.Now.UtcDateTime),
                    cancellationToken
                );
            }

            return false;
        }

        await FinishAsync(index, earned, cancellationToken);
        return true;
    }

    /// <summary>Writes down that an index will be built; null when it is not worth it, whatever the reason: then counting starts anew.</summary>
    private async Task<(Existing Index, (string Table, IReadOnlyList<IndexKey> Keys) Keys)?> BeginAsync(
        Earned earned,
        CancellationToken cancellationToken
    )
    {
        (Existing, (string, IReadOnlyList<IndexKey>))? begun = null;
        await WriteAsync(
            earned.WorkspaceId,
            earned.EnvironmentId,
            async tx =>
            {
                begun = null;
                var table = await TableSchemas.LoadAsync(tx, earned.TableId);
                var keys = table is null ? null : IndexPlan.For(table, SearchShape.Parse(earned.Shape));
                var existing = await tx.QueryAsync(FindKeys, row => row.GetFieldValue<string[]>(0), earned.TableId);
                if (
                    keys is null
                    || existing.Exists(parts => IndexPlan.Of(table!, parts) is { } one && IndexPlan.Serves(one, keys))
                    || !await IsLargeAsync(tx, table!)
                )
                {
                    await tx.ExecuteAsync(StartAnew, earned.TableId, earned.Shape, tx.Now.UtcDateTime);
                    return;
                }

                if (existing.Count >= options.Value.MaxPerTable)
                {
                    LogLimit(table!.Key, options.Value.MaxPerTable);
                    Tell("limit");
                    await tx.ExecuteAsync(StartAnew, earned.TableId, earned.Shape, tx.Now.UtcDateTime);
                    return;
                }

                var id = Ids.New();
                var index = new Existing(
                    earned.WorkspaceId,
                    earned.EnvironmentId,
                    id,
                    earned.TableId,
                    Ids.Format("e", id),
                    [.. keys.Select(key => key.Part.ToString())],
                    false,
                    tx.Now.UtcDateTime,
                    0,
                    false,
                    false,
                    0
                );
                await tx.ExecuteAsync(Insert, id, earned.TableId, index.Name, index.Keys, tx.Now.UtcDateTime);
                begun = (index, (table!.QualifiedName, keys));
            },
            cancellationToken
        );
        return begun;
    }

    private async Task<bool> IsLargeAsync(WriteTransaction tx, TableSchema table)
    {
        var records = await tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync(tx.Cancellation);
                return await reader.ReadAsync(tx.Cancellation) ? reader.GetInt64(0) : 0;
            },
            TableEntry.Role(table.WorkspaceId),
            new Statement(
                $"select count(*) from (select from {table.QualifiedName} where deleted_at is null limit $1) r",
                options.Value.MinRecords
            ),
            new Statement("set local role none")
        );
        return records >= options.Value.MinRecords;
    }

    private Task FinishAsync(Existing index, Earned? earned, CancellationToken cancellationToken) =>
        WriteAsync(index.WorkspaceId, index.EnvironmentId, tx => FinishAsync(tx, index, earned), cancellationToken);

    private static async Task FinishAsync(WriteTransaction tx, Existing index, Earned? earned)
    {
        if (await tx.ExecuteAsync(Finish, index.Id, tx.Now.UtcDateTime) == 0)
        {
            return;
        }

        if (earned is not null)
        {
            await tx.ExecuteAsync(StartAnew, earned.TableId, earned.Shape, tx.Now.UtcDateTime);
        }

        var table = Ids.Format("tbl", index.TableId);
        double? mean = earned is null ? null : Math.Round(earned.Milliseconds / earned.Searches, 1);
        tx.Announce(
            new IndexEarned(tx.NewEventId(), index.WorkspaceId, tx.Now, table, index.Keys, earned?.Searches, mean),
            "index.created",
            new Target("table", table)
        );
    }

    /// <summary>Ends what was begun, counts uses, drops what nobody uses or whose field is gone.</summary>
    /// <returns>False when something has to wait.</returns>
    private async Task<bool> TidyAsync(LeaderSession session, CancellationToken cancellationToken)
    {
        await using (var forget = new NpgsqlCommand(ForgetOld, session.Connection))
        {
            await forget.ExecuteNonQueryAsync(cancellationToken);
        }

        var all = true;
        foreach (var index in await FindIndexesAsync(session.Connection, cancellationToken))
        {
            all &= await TryAsync(() => TidyAsync(session, index, cancellationToken));
        }

        return all;
    }

    private async Task<bool> TidyAsync(LeaderSession session, Existing index, CancellationToken cancellationToken)
    {
        var reason = "";
        await WriteAsync(
            index.WorkspaceId,
            index.EnvironmentId,
            async tx =>
            {
                var table = await TableSchemas.LoadAsync(tx, index.TableId);
                reason =
                    !index.IsThere || !index.IsValid ? "gone"
                    : table is null || IndexPlan.Of(table, index.Keys) is null ? "field_gone"
                    : index.Scans == index.ScansSeen && index.IsReady && tx.Now - index.LastUsedAt >= options.Value.UnusedFor ? "unused"
                    : "";
                if (reason.Length == 0 && index.Scans != index.ScansSeen)
                {
                    await tx.ExecuteAsync(Use, index.Id, index.Scans, tx.Now.UtcDateTime);
                }
            },
            cancellationToken
        );
        if (reason.Length == 0)
        {
            if (!index.IsReady)
            {
                await FinishAsync(index, null, cancellationToken);
            }

            return true;
        }

        if (index.IsThere)
        {
            await using var hold = await IndexBuilder.TryHoldAsync(session, index.TableId, cancellationToken);
            if (
                hold is null
                || await builder.RunAsync(
                    hold,
                    index.WorkspaceId,
                    [$"drop index concurrently if exists {TableSchema.RoleOf(index.WorkspaceId)}.{index.Name}"],
                    cancellationToken
                )
                    is not null
            )
            {
                return false;
            }
        }

        await WriteAsync(
            index.WorkspaceId,
            index.EnvironmentId,
            async tx =>
            {
                if (await tx.ExecuteAsync(Delete, index.Id) == 1 && index.IsReady)
                {
                    Tell("dropped");
                    var table = Ids.Format("tbl", index.TableId);
                    tx.Announce(
                        new IndexDropped(tx.NewEventId(), index.WorkspaceId, tx.Now, table, index.Keys, reason),
                        "index.deleted",
                        new Target("table", table)
                    );
                }
            },
            cancellationToken
        );
        return true;
    }

    private static void Tell(string outcome) => _changed.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    // One table's trouble is not another's. A session that is lost ends the lead.
    private async Task<bool> TryAsync(Func<Task<bool>> one)
    {
        try
        {
            return await one();
        }
        catch (PostgresException exception) when (!IndexBuilder.IsFatal(exception))
        {
            LogFailed(exception);
            return false;
        }
    }

    private async Task WriteAsync(
        Guid workspaceId,
        Guid environmentId,
        Func<WriteTransaction, Task> body,
        CancellationToken cancellationToken
    ) =>
        await work.WriteAsync(
            EarnedIndexes.CallIn(workspaceId, environmentId),
            async tx =>
            {
                await body(tx);
                return new Empty();
            },
            SessionSettings.Default,
            cancellationToken
        );

    private async Task<List<Earned>> FindEarnedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var find = new NpgsqlCommand(FindEarned, connection)
        {
            Parameters =
            {
                new() { Value = (long)options.Value.MinSearches },
                new() { Value = options.Value.MinMilliseconds },
            },
        };
        await using var reader = await find.ExecuteReaderAsync(cancellationToken);
        var earned = new List<Earned>();
        while (await reader.ReadAsync(cancellationToken))
        {
            earned.Add(
                new Earned(
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetGuid(2),
                    reader.GetString(3),
                    reader.GetInt64(4),
                    reader.GetDouble(5)
                )
            );
        }

        return earned;
    }

    private static async Task<List<Existing>> FindIndexesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var find = new NpgsqlCommand(FindIndexes, connection);
        await using var reader = await find.ExecuteReaderAsync(cancellationToken);
        var indexes = new List<Existing>();
        while (await reader.ReadAsync(cancellationToken))
        {
            indexes.Add(
                new Existing(
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetGuid(2),
                    reader.GetGuid(3),
                    reader.GetString(4),
                    reader.GetFieldValue<string[]>(5),
                    reader.GetBoolean(6),
                    reader.GetDateTime(7),
                    reader.GetInt64(8),
                    reader.GetBoolean(9),
                    reader.GetBoolean(10),
                    reader.GetInt64(11)
                )
            );
        }

        return indexes;
    }

    [LoggerMessage(3010, LogLevel.Warning, "The index {Name} was not built: {Why}")]
    private partial void LogNotBuilt(string name, string why);

    [LoggerMessage(3011, LogLevel.Information, "Searches of {Table} have earned one index more, but it has {Most}, which is the most")]
    private partial void LogLimit(string table, int most);

    [LoggerMessage(3012, LogLevel.Warning, "An index could not be looked after; it is tried again")]
    private partial void LogFailed(Exception exception);

    /// <summary>Searches that deserve an index.</summary>
    private sealed record Earned(Guid WorkspaceId, Guid EnvironmentId, Guid TableId, string Shape, long Searches, double Milliseconds);

    /// <summary>An index as its row and PostgreSQL know it.</summary>
    private sealed record Existing(
        Guid WorkspaceId,
        Guid EnvironmentId,
        Guid Id,
        Guid TableId,
        string Name,
        string[] Keys,
        bool IsReady,
        DateTime LastUsedAt,
        long ScansSeen,
        bool IsThere,
        bool IsValid,
        long Scans
    );
}
