using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string Pause = "update audit.stream set state = 'paused', retry_at = null where id = $1 and state <> 'paused'";

    public override Task<PauseAuditStreamResponse> PauseAuditStream(PauseAuditStreamRequest request, ServerCallContext context)
    {
        var id = StreamChanges.Parse(request.StreamId);
        return work.WriteAsync(context, async tx =>
        {
            await StreamScope.RequireAsync(tx, request.StreamId);
            var paused = await tx.ExecuteAsync(Pause, id) == 1;
            var stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, sinks, tx.Now), id)
                ?? throw Problem.NotFound("audit stream", request.StreamId);
            if (paused)
            {
                tx.Announce(
                    new AuditStreamPaused(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.StreamId, stream.DeliveredThrough),
                    new Target("audit_stream", request.StreamId)
                );
            }

            return new PauseAuditStreamResponse { Stream = stream };
        });
    }
}
