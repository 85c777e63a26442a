using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const int MaxStreams = 20;

    private const string CountStreams = "select count(*) from audit.stream";

    // Two calls at once must not both find the last free place.
    private const string LockStreams =
        "select pg_advisory_xact_lock(hashtextextended('platform.audit.streams.' || platform.workspace_id()::text, 0))";

    private const string InsertStream = """
        insert into audit.stream
            (workspace_id, id, type, name, site, tags, actions, secret, secret_set_at, delivered_through, checkpoint_through,
                created_at, created_by)
        select platform.workspace_id(), $1, $2, $3, $4, $5, $6, $7, $8, coalesce(max(t.size), 0), coalesce(max(t.checkpointed), 0), $8, $9
        from (select size, checkpointed from audit.tree where $10) t returning delivered_through
        """;

    private const string FindStream = StreamView.Select + " where s.id = $1";

    public override async Task<CreateAuditStreamResponse> CreateAuditStream(CreateAuditStreamRequest request, ServerCallContext context)
    {
        ActionFilter.Parse(request.Actions, "actions");
        var answer = await work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockStreams);
            if (await tx.ScalarAsync<long>(CountStreams) >= MaxStreams)
            {
                throw Problem.Conflict("LIMIT_REACHED", $"The workspace has {MaxStreams} audit streams, and cannot have more.",
                    "Use one of list_audit_streams.");
            }

            var id = Ids.New();
            var name = Ids.Format("str", id);
            var datadog = request.Datadog;
            // The row first: a taken name is cheaper to find than the destination's opinion.
            var after = await tx.ScalarAsync<long>(InsertStream,
                id, request.Type, request.Name, datadog.Site, datadog.Tags.ToArray(), request.Actions.ToArray(),
                secrets.Seal(datadog.ApiKey), tx.Now.UtcDateTime, tx.Call.ActorId, request.Start != "beginning");
            var test = await AskDestinationAsync(tx.Call, request.Type,
                new Destination(datadog.Site, datadog.ApiKey, datadog.Tags, name, Ids.Format("wks", tx.Call.WorkspaceId)), tx.Cancellation);
            if (test.Result == "refused")
            {
                throw Problem.Conflict("DESTINATION_REFUSED",
                    $"Datadog refused the key or the content with status {test.Status}. Nothing was created.",
                    "Check that the key is an API key (not an application key) of this site.");
            }

            tx.Announce(new AuditStreamCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, name, request.Type, request.Name, datadog.Site,
                [.. request.Actions], after), new Target("audit_stream", name));
            var stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, tx.Now), id);
            return new CreateAuditStreamResponse { Stream = stream, Test = test };
        });
        streamsChanged.Set();
        return answer;
    }
}
