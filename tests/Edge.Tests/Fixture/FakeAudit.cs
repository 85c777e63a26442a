using System.Collections.Concurrent;
using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Testing;
using CallsBase = Platform.Audit.Contracts.V1.Calls.CallsBase;

namespace Platform.Edge.Tests.Fixture;

/// <summary>Keeps the records it is given.</summary>
public sealed class FakeAudit : CallsBase
{
    public ConcurrentQueue<CallRecord> Records { get; } = new();

    public ConcurrentQueue<string> Instances { get; } = new();

    /// <summary>What was told of instances that have ended.</summary>
    public ConcurrentQueue<RecordCallsRequest> Told { get; } = new();

    public bool IsAway { get; set; }

    public override Task<RecordCallsResponse> RecordCalls(RecordCallsRequest request, ServerCallContext context)
    {
        if (IsAway || context.RequestHeaders.GetValue("authorization") != "Bearer service-assertion-for-audit")
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "away"));
        }

        if (request.LastNumbers.Count > 0)
        {
            Told.Enqueue(request);
        }

        foreach (var record in request.Records)
        {
            Records.Enqueue(record);
            Instances.Enqueue(request.Instance);
        }
        return Task.FromResult(new RecordCallsResponse { Added = request.Records.Count });
    }

    /// <summary>The record of a tool once it has arrived.</summary>
    public Task<CallRecord> ArrivedAsync(Func<CallRecord, bool> wanted) => Eventually.Found(() => Records.FirstOrDefault(wanted));
}
