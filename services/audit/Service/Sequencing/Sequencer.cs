using System.Diagnostics.Metrics;
using Platform.Audit.Service.Log;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Audit.Service.Sequencing;

/// <summary>
/// Moves arrivals into the log: one leader per database gives each workspace its gapless sequence in order of arrival,
/// appends to its Merkle tree and signs checkpoints. All of it happens in the session that holds the lock, so that a replica that has lost
/// the lock cannot write either. The session signs in as the sequencer itself, because the service's own login must not be able to take
/// anything out of the log's way in, or to change a tree.
/// </summary>
internal sealed class Sequencer(
    [FromKeyedServices(AuditRoles.Sequencer)] LeaderLoop leader,
    SigningKeys keys,
    CallGaps gaps,
    ArrivalSignal arrivals,
    LogSignal appended,
    TimeProvider time
) : BackgroundService
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _gapLook = TimeSpan.FromSeconds(10);
    private static readonly Counter<long> _sequenced = PlatformMeter.Instance.CreateCounter<long>(
        "platform.audit.sequenced",
        "{event}",
        "Events that got a sequence."
    );
    private static readonly Counter<long> _checkpoints = PlatformMeter.Instance.CreateCounter<long>(
        "platform.audit.checkpoints",
        "{checkpoint}",
        "Checkpoints signed."
    );
    private static readonly Histogram<double> _age = PlatformMeter.Instance.CreateHistogram<double>(
        "platform.audit.unchained_age",
        "s",
        "How long an event waited for its sequence."
    );

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        leader.RunAsync("platform.audit.sequencer", AuditRoles.Sequencer, SequenceAsync, stoppingToken);

    private async Task SequenceAsync(LeaderSession session, CancellationToken cancellationToken)
    {
        using var key = await keys.LoadAsync(session.Connection, cancellationToken);
        var lookedForGaps = DateTimeOffset.MinValue;
        while (true)
        {
            var pass = new SequencingPass(session.Connection, key, time);
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
}
