using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Edge.Calls;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Edge.Audit;

/// <summary>
/// Records every call that no committed change records. Refusals, and reads that must not happen unseen, are accepted by audit before
/// the answer; ordinary reads follow within a second, numbered, so that a loss shows as a gap.
/// </summary>
internal sealed partial class CallAudit : BackgroundService
{
    private const int Batch = 500;
    private static readonly TimeSpan _drainEvery = TimeSpan.FromSeconds(5);

    private static readonly Counter<long> _refusals = PlatformMeter.Instance.CreateCounter<long>("platform.edge.refusals");
    private static readonly Counter<long> _lost = PlatformMeter.Instance.CreateCounter<long>("platform.edge.audit.lost");
    private static readonly Counter<long> _spooled = PlatformMeter.Instance.CreateCounter<long>("platform.edge.audit.spooled");

    private readonly CallRecorder _recorder;
    private readonly CallSpool _spool;
    private readonly TimeProvider _time;
    private readonly TimeSpan _batchEvery;
    private readonly ILogger<CallAudit> _log;
    private readonly ConcurrentDictionary<string, StrongCounter> _numbers = new(StringComparer.Ordinal);
    private readonly Channel<CallRecord> _waiting;
    private int _spoolHolds = 1;

    public CallAudit(CallRecorder recorder, CallSpool spool, IOptions<AuditOptions> options, TimeProvider time, ILogger<CallAudit> log)
    {
        (_recorder, _spool, _time, _log) = (recorder, spool, time, log);
        _batchEvery = options.Value.BatchEvery;
        _waiting = Channel.CreateBounded<CallRecord>(new BoundedChannelOptions(options.Value.MaxWaiting) { SingleReader = true });
    }

    /// <summary>Records that the call was refused. Returns once audit has it, or the disk.</summary>
    public async Task RefusedAsync(EdgeCall call, string reason)
    {
        _refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));
        await KeepAsync(Record(call, AuditOutcomes.Refused, reason));
    }

    /// <summary>Records that the call went wrong: at once where the workspace or the tool demands it, else in passing.</summary>
    public async Task FailedAsync(EdgeCall call, string reason)
    {
        if (MustBeSeen(call))
        {
            await KeepAsync(Record(call, AuditOutcomes.Failed, reason));
        }
        else
        {
            Later(call, AuditOutcomes.Failed, reason);
        }
    }

    /// <summary>
    /// Records a call that is about to be answered. False: it may only be answered once it is recorded, and it cannot be.
    /// </summary>
    public async Task<bool> AnsweredAsync(EdgeCall call, string outcome)
    {
        if (!MustBeSeen(call))
        {
            Later(call, outcome, "");
            return true;
        }
        var record = Record(call, outcome, "");
        if (await _recorder.TryRecordAsync(_spool.Instance, [record]))
        {
            return true;
        }
        // Nothing was shown, and the log has to say so.
        record.Outcome = AuditOutcomes.Failed;
        record.Reason = Reasons.Unavailable;
        Spool(record);
        return false;
    }

    /// <summary>Records in passing.</summary>
    public void Later(EdgeCall call, string outcome, string reason)
    {
        if (outcome == AuditOutcomes.Refused)
        {
            _refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));
        }

        if (!_waiting.Writer.TryWrite(Record(call, outcome, reason)))
        {
            _lost.Add(1);
        }
    }

    private static bool MustBeSeen(EdgeCall call) =>
        call.Caller is { } caller
        && (
            caller.IsStrict || (call.Tool is { Definition.IsRead: true } tool && (tool.Definition.Options.Sensitive || caller.IsProduction))
        );

    private CallRecord Record(EdgeCall call, string outcome, string reason)
    {
        var workspace = call.Caller?.Caller.WorkspaceId ?? "";
        var number = _numbers.GetOrAdd(workspace, static _ => new StrongCounter()).Next();
        return CallRecords.Of(call, outcome, reason, number, _time.GetElapsedTime(call.StartedAt));
    }

    private async Task KeepAsync(CallRecord record)
    {
        if (!await _recorder.TryRecordAsync(_spool.Instance, [record]))
        {
            Spool(record);
        }
    }

    private void Spool(CallRecord record)
    {
        if (_spool.TryAppend(record))
        {
            Volatile.Write(ref _spoolHolds, 1);
            _spooled.Add(1);
        }
        else
        {
            _lost.Add(1);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<CallRecord>(Batch);
        var drainAt = _time.GetUtcNow();
        var reader = _waiting.Reader;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await Task.Delay(_batchEvery, _time, stoppingToken);
                if (_time.GetUtcNow() >= drainAt && Interlocked.Exchange(ref _spoolHolds, 0) == 1)
                {
                    drainAt = _time.GetUtcNow() + _drainEvery;
                    await _spool.DrainAsync(
                        async (instance, records) =>
                        {
                            var taken = await _recorder.TryRecordAsync(instance, records);
                            if (!taken)
                            {
                                Volatile.Write(ref _spoolHolds, 1);
                            }

                            return taken;
                        }
                    );
                }
                await FlushAsync(reader, batch);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The rest is flushed below.
        }
        await FlushAsync(reader, batch);
        Rescue(reader, batch);
    }

    private async Task FlushAsync(ChannelReader<CallRecord> reader, List<CallRecord> batch)
    {
        while (true)
        {
            while (batch.Count < Batch && reader.TryRead(out var record))
            {
                batch.Add(record);
            }

            if (batch.Count == 0 || !await _recorder.TryRecordAsync(_spool.Instance, batch))
            {
                return;
            }

            batch.Clear();
        }
    }

    // An orderly end loses nothing: what audit has not taken waits on disk for the next run.
    private void Rescue(ChannelReader<CallRecord> reader, List<CallRecord> batch)
    {
        var rescued = 0;
        do
        {
            foreach (var record in batch)
            {
                Spool(record);
            }

            rescued += batch.Count;
            batch.Clear();
            while (batch.Count < Batch && reader.TryRead(out var record))
            {
                batch.Add(record);
            }
        } while (batch.Count > 0);
        if (rescued > 0)
        {
            LogRescued(rescued);
        }
    }

    private sealed class StrongCounter
    {
        private long _last;

        public long Next() => Interlocked.Increment(ref _last);
    }

    [LoggerMessage(2301, LogLevel.Warning, "{Count} call records wait on disk for audit")]
    private partial void LogRescued(int count);
}
