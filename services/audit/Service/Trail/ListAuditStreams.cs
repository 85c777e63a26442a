using Grpc.Core;
using Platform.Audit.Contracts.V1;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string FindStreams = StreamView.Select + " order by s.created_at, s.id";

    // All of them: create_audit_stream bounds how many there are.
    public override Task<ListAuditStreamsResponse> ListAuditStreams(ListAuditStreamsRequest request, ServerCallContext context) =>
        work.ReadAsync(context, FindStreams, [], async reader =>
        {
            var answer = new ListAuditStreamsResponse();
            while (await reader.ReadAsync(context.CancellationToken))
            {
                answer.Streams.Add(StreamView.Read(reader, sinks, time.GetUtcNow()));
            }

            return answer;
        });
}
