using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Contracts;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string OpenStream = "select type, site, secret, tags, delivered_through from audit.stream where id = $1";

    // A retry that waits is due at once; a refused key that works again resumes the stream.
    private const string Resume =
        "update audit.stream set state = 'active', failures = 0, retry_at = null where id = $1 and state = 'invalid'";

    private const string Hasten = "update audit.stream set retry_at = null where id = $1 and state = 'error'";

    public override async Task<TestAuditStreamResponse> TestAuditStream(TestAuditStreamRequest request, ServerCallContext context)
    {
        if (!Ids.TryParse("str", request.StreamId, out var id))
        {
            throw Problem.NotFound("audit stream", request.StreamId);
        }

        var tested = await work.WriteAsync(context, async tx =>
        {
            var workspace = Ids.Format("wks", tx.Call.WorkspaceId);
            var stream = await tx.QueryOneAsync(OpenStream, row => new OpenedStream(
                row.GetString(0),
                new Destination(row.GetString(1), secrets.Open((byte[])row[2]), (string[])row[3], request.StreamId, workspace),
                row.GetInt64(4)), id)
                ?? throw Problem.NotFound("audit stream", request.StreamId);
            var test = await AskDestinationAsync(tx.Call, stream.Type, stream.Destination, tx.Cancellation);
            var target = new Target("audit_stream", request.StreamId);
            int? status = test.HasStatus ? test.Status : null;
            tx.Announce(new AuditStreamTested(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.StreamId, test.Result, status), target);
            if (test.Result == "accepted")
            {
                await tx.ExecuteAsync(Hasten, id);
                if (await tx.ExecuteAsync(Resume, id) == 1)
                {
                    tx.Announce(
                        new AuditStreamResumed(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.StreamId, stream.DeliveredThrough),
                        "audit_stream.resumed", target);
                }
            }

            var answer = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, tx.Now), id);
            return new TestAuditStreamResponse { Test = test, Stream = answer };
        });
        streamsChanged.Set();
        return tested;
    }

    /// <summary>Sends one test entry. A dry run reaches nobody.</summary>
    private async Task<DestinationAnswer> AskDestinationAsync(
        Call call, string type, Destination destination, CancellationToken cancellationToken)
    {
        if (call.DryRun)
        {
            return new DestinationAnswer { Result = "untested", Message = "A dry run sends nothing." };
        }

        var sink = sinks.First(known => known.Type == type);
        var test = sink.EncodeTest(destination, Ids.Format("evt", Ids.New()), time.GetUtcNow());
        var said = await sink.SendAsync(destination, [test], cancellationToken);
        var answer = new DestinationAnswer
        {
            Result = said.Verdict switch
            {
                SinkVerdict.Accepted => "accepted",
                SinkVerdict.Retry => "unreachable",
                _ => "refused",
            },
            Message = said.Message,
        };
        if (said.Status is { } status)
        {
            answer.Status = status;
        }

        return answer;
    }

    private sealed record OpenedStream(string Type, Destination Destination, long DeliveredThrough);
}
