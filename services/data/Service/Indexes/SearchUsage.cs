using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Options;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Indexes;

/// <summary>
/// Counts searches by their shape, in memory, and adds the counts to the database every few seconds: a search never waits for that. Counts
/// are a hint; when a process is killed, its latest counts are lost.
/// </summary>
internal sealed partial class SearchUsage(UnitOfWork work, IOptions<IndexOptions> options, TimeProvider time, ILogger<SearchUsage> log)
    : BackgroundService
{
    private const int MaxShapes = 10_000;

    // At most 200 shapes of a table are counted. The rows are sorted, so that replicas that write at once lock them in one order.
    private const string Add = """
        insert into data.search_usage as u (table_id, shape, searches, milliseconds, since, last_at)
        select s.table_id, s.shape, s.searches, s.milliseconds, $5, $5
        from unnest($1::uuid[], $2::text[], $3::bigint[], $4::float8[]) as s(table_id, shape, searches, milliseconds)
        where exists (select from data.search_usage k where k.table_id = s.table_id and k.shape = s.shape)
            or (select count(*) from data.search_usage k where k.table_id = s.table_id) < 200
        order by 1, 2
        on conflict (table_id, shape) do update set
            searches = excluded.searches + case when u.since > $6 then u.searches else 0 end,
            milliseconds = excluded.milliseconds + case when u.since > $6 then u.milliseconds else 0 end,
            since = case when u.since > $6 then u.since else excluded.since end,
            last_at = excluded.last_at
        """;

    private static readonly TimeSpan _window = TimeSpan.FromDays(7);

    private readonly Lock _counting = new();
    private Dictionary<Counted, Tally> _counted = [];

    public void Count(TableSchema table, SearchShape? shape, TimeSpan elapsed)
    {
        if (shape is null)
        {
            return;
        }

        var key = new Counted(table.WorkspaceId, table.EnvironmentId, table.Id, shape.Text);
        lock (_counting)
        {
            var counted = _counted.GetValueOrDefault(key);
            if (counted.Searches > 0 || _counted.Count < MaxShapes)
            {
                _counted[key] = new Tally(counted.Searches + 1, counted.Milliseconds + elapsed.TotalMilliseconds);
            }
        }
    }

    private Dictionary<Counted, Tally> Take()
    {
        lock (_counting)
        {
            (var taken, _counted) = (_counted, []);
            return taken;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.Value.CountEvery, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var ofEnvironment in Take().GroupBy(one => (one.Key.Workspace, one.Key.Environment)))
            {
                try
                {
                    await AddAsync(ofEnvironment.Key, [.. ofEnvironment], stoppingToken);
                }
                catch (Exception exception)
                {
                    // Whatever it is: an exception that leaves a hosted service ends the process, and these counts are only a hint. One
                    // whose commit was lost comes as a problem, for example.
                    LogLost(exception);
                }
            }
        }
    }

    private async Task AddAsync(
        (Guid Workspace, Guid Environment) of,
        KeyValuePair<Counted, Tally>[] counted,
        CancellationToken cancellationToken
    ) =>
        await work.WriteAsync(
            EarnedIndexes.CallIn(of.Workspace, of.Environment),
            async tx =>
            {
                await tx.ExecuteAsync(
                    Add,
                    Array.ConvertAll(counted, one => one.Key.Table),
                    Array.ConvertAll(counted, one => one.Key.Shape),
                    Array.ConvertAll(counted, one => one.Value.Searches),
                    Array.ConvertAll(counted, one => one.Value.Milliseconds),
                    tx.Now.UtcDateTime,
                    (tx.Now - _window).UtcDateTime
                );
                return new Empty();
            },
            SessionSettings.Default,
            cancellationToken
        );

    [LoggerMessage(3001, LogLevel.Warning, "Counts of searches were lost")]
    private partial void LogLost(Exception exception);

    private readonly record struct Counted(Guid Workspace, Guid Environment, Guid Table, string Shape);

    private readonly record struct Tally(long Searches, double Milliseconds);
}
