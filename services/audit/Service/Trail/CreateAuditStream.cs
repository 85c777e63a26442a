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
                created_at, created_by, environments, workspace_events)
        select platform.workspace_id(), $1, $2, $3, case when not $11 then $4 end, case when $11 then $4 end, $5, $6, $7, $8,
            coalesce(max(t.size), 0), coalesce(max(t.checkpointed), 0), $8, $9, $12, $13
        from (select size, checkpointed from audit.tree where $10) t returning delivered_through
        """;

    private const string FindStream = StreamView.Select + " where s.id = $1";

    public override async Task<CreateAuditStreamResponse> CreateAuditStream(CreateAuditStreamRequest request, ServerCallContext context)
    {
        ActionFilter.Parse(request.Actions, "actions");
        var scope = ScopeOf(request, context.Call().Caller.Reach);
        var sink = sinks.Of(request.Type);
        var (address, given, tags) = DestinationOf(request, sink);
        var answer = await work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockStreams);
            if (await tx.ScalarAsync<long>(CountStreams) >= MaxStreams)
            {
                throw Problem.Conflict(
                    Reasons.LimitReached,
                    $"The workspace has {MaxStreams} audit streams, and cannot have more.",
                    "Delete one with delete_audit_stream, or change one with update_audit_stream."
                );
            }

            var id = Ids.New();
            var name = Ids.Format("str", id);
            var secret = given ?? WebhookSecret.Create();
            // The row comes first: it is cheaper to find that a name is taken than to ask the destination.
            var after = await tx.ScalarAsync<long>(
                InsertStream,
                id,
                request.Type,
                request.Name,
                address,
                tags.ToArray(),
                request.Actions.ToArray(),
                secrets.Seal(secret),
                tx.Now.UtcDateTime,
                tx.Call.ActorId,
                request.Start != "beginning",
                sink.AddressForm is AddressForm.Url,
                scope.EnvironmentsParameter,
                scope.WorkspaceEvents
            );
            var test = await changes.AskDestinationAsync(
                tx.Call,
                sink,
                new Destination(address, secret, null, tags, name, Ids.Format("wks", tx.Call.WorkspaceId)),
                isNew: true,
                tx.Cancellation
            );
            StreamChanges.ThrowIfRefused(test, sink, "created");
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
                    after,
                    scope.Environments?.Select(environment => Ids.Format("env", environment)).ToList(),
                    scope.WorkspaceEvents
                ),
                new Target("audit_stream", name)
            );
            var stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, sinks, tx.Now), id);
            return new CreateAuditStreamResponse { Stream = stream, Test = test };
        });
        streamsChanged.Set();
        return answer;
    }

    /// <summary>What the stream is to carry, of which the caller may stream all.</summary>
    private static StreamScope ScopeOf(CreateAuditStreamRequest request, Reach reach)
    {
        var scope =
            request.EnvironmentIds.Count == 0 && !request.WorkspaceEvents
                ? StreamScope.Whole
                : new StreamScope([.. request.EnvironmentIds.Select(Environment).Distinct()], request.WorkspaceEvents);
        try
        {
            scope.Require(reach, Scopes.AuditWrite);
            return scope;
        }
        catch (RpcException exception) when (scope.Environments is null && Problem.Read(exception) is { } problem)
        {
            var possible = reach.With(Scopes.AuditWrite).Select(environment => Ids.Format("env", environment)).ToList();
            problem.Message += " A stream carries all environments unless it names some.";
            problem.Fix = possible.Count > 0 ? $"Name those it is to carry in environmentIds: {string.Join(", ", possible)}." : problem.Fix;
            throw Problem.Of(exception.StatusCode, problem);
        }

        Guid Environment(string id, int index) =>
            Ids.TryParse("env", id, out var environment) && reach.Knows(environment)
                ? environment
                : throw Problem.Invalid($"environmentIds[{index}]", "is not an environment here", "Take ids from list_environments.");
    }

    private NewDestination DestinationOf(CreateAuditStreamRequest request, ISink sink)
    {
        foreach (var other in sinks.All.Where(other => other != sink && IsGiven(request, other.Type)))
        {
            throw Problem.Invalid(other.Type, $"is not for the type {sink.Type}", $"Send {sink.Type} alone.");
        }

        return sink.Read(request) ?? throw Problem.Invalid(sink.Type, "is required", $"Send {sink.Type}, as the type says.");
    }

    private static bool IsGiven(CreateAuditStreamRequest request, string type) =>
        CreateAuditStreamRequest.Descriptor.FindFieldByName(type).Accessor.GetValue(request) is not null;
}
