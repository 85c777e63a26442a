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
internal sealed class CallAudit : BackgroundService
{
    private const int Batch = 500;
    private static readonly TimeSpan _drainEvery = TimeSpan.FromSeconds(5);

    private static readonly Counter<long> _refusals = PlatformMeter.Instance.CreateCounter<long>("platform.edge.refusals");
    private static readonly Counter<long> _lost = PlatformMeter.Instance.CreateCounter<long>("platform.edge.audit.lost");
    private static readonly Counter<long> _spooled = PlatformMeter.Instance.CreateCounter<long>("platform.edge.audit.spooled");

    private readonly CallRecorder _recorder;
    private readonly CallSpool _spool;
    private readonly CallNumbers _numbers;
    private readonly TimeProvider _time;
    private readonly TimeSpan _batchEvery;
    private readonly Channel<CallRecord> _waiting;
    private int _spoolHolds = 1;

    public CallAudit(CallRecorder recorder, CallSpool spool, CallNumbers numbers, IOptions<AuditOptions> options, TimeProvider time)
    {
        (_recorder, _spool, _numbers, _time) = (recorder, spool, numbers, time);
        _batchEvery = options.Value.BatchEvery;
        _waiting = Channel.CreateBounded<CallRecord>(new BoundedChannelOptions(options.Value.MaxWaiting) { SingleReader = true });
    }

    /// <summary>Records that the call was refused. Returns once audit has it, or the disk.</summary>
    public async Task RefusedAsync(EdgeCall call, string reason)
    {
        Count(AuditOutcomes.Refused, reason);
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
        if (await _recorder.TryRecordAsync(_numbers.Instance, [record]))
        {
            return true;
        }
        // Nothing was shown, and the log has to say so.
        record.Outcome = AuditOutcomes.Failed;
        record.Reason = Reasons.Unavailable;
        Spool([record]);
        return false;
    }

    /// <summary>Records in passing.</summary>
    public void Later(EdgeCall call, string outcome, string reason)
    {
        Count(outcome, reason);
        if (!_waiting.Writer.TryWrite(Record(call, outcome, reason)))
        {
            _lost.Add(1);
        }
    }

    /// <summary>Counts what is not recorded by itself.</summary>
    public static void Count(string outcome, string reason)
    {
        if (outcome == AuditOutcomes.Refused)
        {
            _refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));
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
        return CallRecords.Of(call, outcome, reason, _numbers.Next(workspace), _time.GetElapsedTime(call.StartedAt));
    }

    private async Task KeepAsync(CallRecord record)
    {
        if (!await _recorder.TryRecordAsync(_numbers.Instance, [record]))
        {
            Spool([record]);
        }
    }

    private void Spool(List<CallRecord> records)
    {
        var kept = _spool.Append(_numbers.Instance, records);
        if (kept > 0)
        {
            Volatile.Write(ref _spoolHolds, 1);
            _spooled.Add(kept);
        }

        if (kept < records.Count)
        {
            _lost.Add(records.Count - kept);
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
                    if (!await _spool.DrainAsync(_recorder.TryRecordAsync) || !await _numbers.TellEndedAsync(_recorder.TryTellAsync))
                    {
                        Volatile.Write(ref _spoolHolds, 1);
                    }
                }
                await FlushAsync(reader, batch);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The rest is flushed below.
        }
        await FlushAsync(reader, batch);
        if (Volatile.Read(ref _spoolHolds) == 0 && await _recorder.TryTellAsync(_numbers.Instance, _numbers.Given()))
        {
            _numbers.Forget();
        }
    }

    // What audit does not take waits on disk: this process can die at any time. While something waits there, audit was away a moment ago,
    // and is tried again with what waits.
    private async Task FlushAsync(ChannelReader<CallRecord> reader, List<CallRecord> batch)
    {
        while (true)
        {
            while (batch.Count < Batch && reader.TryRead(out var record))
            {
                batch.Add(record);
            }

            if (batch.Count == 0)
            {
                return;
            }

            if (Volatile.Read(ref _spoolHolds) == 1 || !await _recorder.TryRecordAsync(_numbers.Instance, batch))
            {
                Spool(batch);
            }

            batch.Clear();
        }
    }
}
