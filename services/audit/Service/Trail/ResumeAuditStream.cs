using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string Resume =
        "update audit.stream set state = 'active', failures = 0, retry_at = null where id = $1 and state <> 'active'";

    public override async Task<ResumeAuditStreamResponse> ResumeAuditStream(ResumeAuditStreamRequest request, ServerCallContext context)
    {
        var id = StreamChanges.Parse(request.StreamId);
        var answer = await work.WriteAsync(context, async tx =>
        {
            await StreamScope.RequireAsync(tx, request.StreamId);
            var resumed = await tx.ExecuteAsync(Resume, id) == 1;
            var stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, sinks, tx.Now), id)
                ?? throw Problem.NotFound("audit stream", request.StreamId);
            if (resumed)
            {
                tx.Announce(
                    new AuditStreamResumed(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.StreamId, stream.DeliveredThrough),
                    new Target("audit_stream", request.StreamId)
                );
            }

            return new ResumeAuditStreamResponse { Stream = stream };
        });
        streamsChanged.Set();
        return answer;
    }
}
