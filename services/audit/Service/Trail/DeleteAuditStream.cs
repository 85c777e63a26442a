using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string LockStream = "select version from audit.stream where id = $1 for update";

    private const string RemoveStream = "delete from audit.stream where id = $1";

    public override async Task<DeleteAuditStreamResponse> DeleteAuditStream(DeleteAuditStreamRequest request, ServerCallContext context)
    {
        var id = StreamChanges.Parse(request.StreamId);
        var answer = await work.WriteAsync(context, async tx =>
        {
            await StreamScope.RequireAsync(tx, request.StreamId);
            var version = await tx.ScalarAsync<long>(LockStream, id);
            var stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, sinks, tx.Now), id)
                ?? throw Problem.NotFound("audit stream", request.StreamId);

            // Delivery goes on while somebody thinks about it. How far it came is shown, but does not make the confirmation stale.
            await tx.ConfirmAsync(
                FormattableString.Invariant($"{request.StreamId}@{version}"),
                new
                {
                    stream = new
                    {
                        id = stream.Id,
                        name = stream.Name,
                        type = stream.Type,
                        state = stream.State,
                    },
                    destination = stream.Destination.Url.Length > 0 ? stream.Destination.Url : stream.Destination.Site,
                    undeliveredEvents = stream.LagEvents,
                }
            );
            await tx.ExecuteAsync(RemoveStream, id);
            tx.Announce(
                new AuditStreamDeleted(
                    tx.NewEventId(),
                    tx.Call.WorkspaceId,
                    tx.Now,
                    request.StreamId,
                    stream.Name,
                    stream.DeliveredThrough
                ),
                new Target("audit_stream", request.StreamId)
            );
            return new DeleteAuditStreamResponse { Stream = stream };
        });
        streamsChanged.Set();
        return answer;
    }
}
