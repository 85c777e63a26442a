using System.Diagnostics.Metrics;
using Npgsql;
using Platform.Audit.Service.Log;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Audit.Service.Sequencing;

/// <summary>
/// Moves arrivals into the log: one leader per database, by advisory lock, gives each workspace its gapless sequence in order of arrival,
/// appends to its Merkle tree and signs checkpoints. All of it happens in the session that holds the lock, so that who has lost the lock
/// cannot write either.
/// </summary>
internal sealed partial class Sequencer(
    NpgsqlDataSource database, SigningKeys keys, CallGaps gaps, ArrivalSignal arrivals, LogSignal appended, TimeProvider time,
    ILogger<Sequencer> log) : BackgroundService
{
    private const string Lead = "select pg_try_advisory_lock(hashtextextended('platform.audit.sequencer', 0))";

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _gapLook = TimeSpan.FromSeconds(10);
    private static readonly Counter<long> _sequenced =
        PlatformMeter.Instance.CreateCounter<long>("platform.audit.sequenced", "{event}", "Events that got a sequence.");
    private static readonly Counter<long> _checkpoints =
        PlatformMeter.Instance.CreateCounter<long>("platform.audit.checkpoints", "{checkpoint}", "Checkpoints signed.");
    private static readonly Histogram<double> _age =
        PlatformMeter.Instance.CreateHistogram<double>("platform.audit.unchained_age", "s", "How long an event waited for its sequence.");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LeadAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                LogInterrupted(exception);
            }

            await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LeadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await using (var lead = new NpgsqlCommand(Lead, connection))
            {
                if (await lead.ExecuteScalarAsync(cancellationToken) is not true)
                {
                    return;
                }
            }

            await ExecuteAsync(connection, $"set role {AuditRoles.Sequencer}", cancellationToken);
            using var key = await keys.LoadAsync(connection, cancellationToken);
            LogLeading();
            var lookedForGaps = DateTimeOffset.MinValue;
            while (true)
            {
                var pass = new SequencingPass(connection, key, time);
                var moved = await pass.RunAsync(cancellationToken);
                Count(pass);
                if (time.GetUtcNow() - lookedForGaps >= _gapLook)
                {
                    await gaps.ReportAsync(cancellationToken);
                    lookedForGaps = time.GetUtcNow();
                }

                if (moved < SequencingPass.MaxArrivals)
                {
                    await arrivals.WaitAsync(_look, cancellationToken);
                }
            }
        }
        finally
        {
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                await ExecuteAsync(connection, "reset role; select pg_advisory_unlock_all()", CancellationToken.None);
            }
        }
    }

    private void Count(SequencingPass pass)
    {
        _sequenced.Add(pass.Appended);
        _checkpoints.Add(pass.Checkpoints);
        if (pass.Appended > 0)
        {
            _age.Record(pass.OldestAge.TotalSeconds);
        }

        if (pass.Appended + pass.Checkpoints > 0)
        {
            appended.Set();
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(4001, LogLevel.Information, "Leading the sequencer")]
    private partial void LogLeading();

    [LoggerMessage(4002, LogLevel.Warning, "The sequencer was interrupted; it goes on in a second")]
    private partial void LogInterrupted(Exception exception);
}
