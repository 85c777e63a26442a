using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string FindStreams = StreamView.Select + " order by s.created_at, s.id";

    // All of them on one page: create_audit_stream bounds how many there are.
    public override Task<ListAuditStreamsResponse> ListAuditStreams(ListAuditStreamsRequest request, ServerCallContext context) =>
        work.ReadAsync(context, FindStreams, [], async reader =>
        {
            var answer = new ListAuditStreamsResponse();
            while (await reader.ReadAsync(context.CancellationToken))
            {
                if (StreamScope.Read(reader).IsWithin(context.Call().Caller.Reach, Scopes.AuditRead))
                {
                    answer.Streams.Add(StreamView.Read(reader, sinks, time.GetUtcNow()));
                }
            }

            return answer;
        });
}
