using System.Collections.Concurrent;

namespace Platform.Demo;

/// <summary>Every tool call that the demo made, so that it can be looked for in the audit trail.</summary>
internal sealed class CallLog
{
    private readonly ConcurrentQueue<MadeCall> _calls = new();

    public IReadOnlyCollection<MadeCall> Calls => _calls;

    public void Add(MadeCall call) => _calls.Enqueue(call);
}

/// <param name="TraceId">Sent along as W3C traceparent; the audit trail has it too.</param>
/// <param name="Answer"><c>ok</c>, <c>preview</c>, the reason of a refusal, or <c>lost</c> when no answer came.</param>
/// <param name="IdempotencyKey">The same for all tries of one write.</param>
internal sealed record MadeCall(string Who, string Tool, string TraceId, string Answer, string? IdempotencyKey);
