using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string FindEvent = $"select {RecordedEvent.Columns} from audit.event e where e.event_id = $1";

    public override Task<GetAuditEventResponse> GetAuditEvent(GetAuditEventRequest request, ServerCallContext context) =>
        Ids.TryParse("evt", request.EventId, out var id)
            ? work.ReadAsync(context, FindEvent, [id], async reader =>
                await reader.ReadAsync(context.CancellationToken)
                    ? new GetAuditEventResponse { Event = RecordedEvent.Read(reader, whole: true) }
                    : throw Problem.NotFound("audit event", request.EventId)
            )
            : throw Problem.NotFound("audit event", request.EventId);
}
