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
/// Builds the indexes that searches have earned, and drops those that nobody uses. One replica does it, as leader. An index is built while
/// reads and writes go on, by the role of its workspace. A schema change of the table goes first.
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

    private const string StartAnew =
        "update data.search_usage set searches = 0, milliseconds = 0, since = $3 where table_id = $1 and shape = $2";

    private const string FindKeys = "select keys from data.earned_index where table_id = $1";

    private const string Insert = """
        insert into data.earned_index (id, table_id, name, keys, created_at, last_used_at) values ($1, $2, $3, $4, $5, $5)
        """;

    private const string Finish = "update data.earned_index set is_ready = true, last_used_at = $2 where id = $1 and not is_ready";

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
            // First finish what an earlier leader began.
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

        if (await BeginAsync(earned, cancellationToken) is not var (index, table, keys))
        {
            return true;
        }

        var outcome = await builder.RunAsync(
            hold,
            earned.WorkspaceId,
            [
                $"create index concurrently if not exists {index.Name} on {table} ({string.Join(", ", keys.Select(key => key.Sql))}) "
                    + "where deleted_at is null",
                // Expressions have statistics only once they have an index.
                $"analyze {table}",
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

    /// <summary>
    /// Writes down that an index will be built. Null when it is not worth it for any reason; then counting starts again.
    /// </summary>
    private async Task<Begun?> BeginAsync(Earned earned, CancellationToken cancellationToken)
    {
        Begun? begun = null;
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
                var index = new Existing
                {
                    WorkspaceId = earned.WorkspaceId,
                    EnvironmentId = earned.EnvironmentId,
                    Id = id,
                    TableId = earned.TableId,
                    Name = Ids.Format("e", id),
                    Keys = [.. keys.Select(key => key.Part.ToString())],
                    LastUsedAt = tx.Now.UtcDateTime,
                };
                await tx.ExecuteAsync(Insert, id, earned.TableId, index.Name, index.Keys, tx.Now.UtcDateTime);
                begun = new Begun(index, table!.QualifiedName, keys);
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

    private static void Tell(string outcome) => _changed.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    // A failure at one table does not stop work on the others. A lost session ends the leadership.
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

    [LoggerMessage(3010, LogLevel.Warning, "The index {Name} was not built: {Why}")]
    private partial void LogNotBuilt(string name, string why);

    [LoggerMessage(3011, LogLevel.Information, "Searches of {Table} have earned one index more, but it has {Most}, which is the most")]
    private partial void LogLimit(string table, int most);

    [LoggerMessage(3012, LogLevel.Warning, "An index could not be looked after; it is tried again")]
    private partial void LogFailed(Exception exception);
}
