using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

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
            (workspace_id, id, type, name, site, url, tags, actions, secret, secret_set_at, delivered_through, checkpoint_through,
                created_at, created_by)
        select platform.workspace_id(), $1, $2, $3, case $2 when 'datadog' then $4 end, case $2 when 'https' then $4 end, $5, $6, $7, $8,
            coalesce(max(t.size), 0), coalesce(max(t.checkpointed), 0), $8, $9
        from (select size, checkpointed from audit.tree where $10) t returning delivered_through
        """;

    private const string FindStream = StreamView.Select + " where s.id = $1";

    public override async Task<CreateAuditStreamResponse> CreateAuditStream(CreateAuditStreamRequest request, ServerCallContext context)
    {
        ActionFilter.Parse(request.Actions, "actions");
        var (address, given, tags) = DestinationOf(request);
        var answer = await work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockStreams);
            if (await tx.ScalarAsync<long>(CountStreams) >= MaxStreams)
            {
                throw Problem.Conflict(
                    "LIMIT_REACHED",
                    $"The workspace has {MaxStreams} audit streams, and cannot have more.",
                    "Delete one with delete_audit_stream, or change one with update_audit_stream."
                );
            }

            var id = Ids.New();
            var name = Ids.Format("str", id);
            var secret = given ?? WebhookSecret.Create();
            // The row first: a taken name is cheaper to find than the destination's opinion.
            var after = await tx.ScalarAsync<long>(
                InsertStream,
                id,
                request.Type,
                request.Name,
                address,
                tags,
                request.Actions.ToArray(),
                secrets.Seal(secret),
                tx.Now.UtcDateTime,
                tx.Call.ActorId,
                request.Start != "beginning"
            );
            var test = await changes.AskDestinationAsync(
                tx.Call,
                request.Type,
                new Destination(address, secret, null, tags, name, Ids.Format("wks", tx.Call.WorkspaceId)),
                tx.Cancellation
            );
            StreamChanges.ThrowIfRefused(test, request.Type, "created");
            tx.Announce(
                new AuditStreamCreated(
                    tx.NewEventId(),
                    tx.Call.WorkspaceId,
                    tx.Now,
                    name,
                    request.Type,
                    request.Name,
                    StreamChanges.SiteOf(address),
                    [.. request.Actions],
                    after
                ),
                new Target("audit_stream", name)
            );
            var stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, tx.Now), id);
            return new CreateAuditStreamResponse { Stream = stream, Test = test };
        });
        streamsChanged.Set();
        return answer;
    }

    /// <summary>Where to, what signs in there when it was given, and what is added to every entry.</summary>
    private (string Address, string? Secret, string[] Tags) DestinationOf(CreateAuditStreamRequest request)
    {
        var other = request.Type == "datadog" ? "https" : "datadog";
        if (request.Type == "datadog" ? request.Https is not null : request.Datadog is not null)
        {
            throw Problem.Invalid(other, $"is not for the type {request.Type}", $"Send {request.Type} alone.");
        }

        return (request.Type, request.Datadog, request.Https) switch
        {
            ("datadog", { } datadog, _) => (datadog.Site, datadog.ApiKey, datadog.Tags.ToArray()),
            ("https", _, { } https) => (
                addresses.Check(https.Url, "https.url"),
                https.Secret.Length == 0 ? null : WebhookSecret.Check(https.Secret, "https.secret"),
                []
            ),
            _ => throw Problem.Invalid(request.Type, "is required", $"Send {request.Type}, as the type says."),
        };
    }
}
