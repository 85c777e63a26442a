using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.ConnectedApps;

internal sealed partial class AppsService
{
    public override async Task<ListConnectedAppsResponse> ListConnectedApps(ListConnectedAppsRequest request, ServerCallContext context)
    {
        var (member, subject) = await FindAccountAsync(context);
        var found = await AskRealmAsync(() => apps.ListAsync(context.Call(), member, subject, context.CancellationToken));
        var response = new ListConnectedAppsResponse();
        response.Apps.Add(found.OrderBy(app => app.ClientId, StringComparer.Ordinal).Select(Describe));
        return response;
    }

    /// <summary>The member that the call acts for, with the subject of their account: empty when none has ever signed in.</summary>
    private async Task<(Guid Member, string Subject)> FindAccountAsync(ServerCallContext context)
    {
        var caller = context.Call().Caller;
        var member = caller.MemberId ?? throw Problem.PermissionDenied("a member");
        var id = Ids.Format("mbr", member);
        var membership = await directory.FindAsync(Ids.Format("wks", caller.WorkspaceId), id, context.CancellationToken)
            ?? throw Problem.NotFound("member", id);
        return (member, membership.Subject);
    }

    private static Contracts.V1.ConnectedApp Describe(ConnectedApp app)
    {
        var described = new Contracts.V1.ConnectedApp
        {
            ClientId = app.ClientId,
            Name = app.Name,
            ConnectedAt = app.ConnectedAt?.ToTimestamp(),
            LastUsedAt = app.LastUsedAt?.ToTimestamp(),
        };
        described.Scopes.Add(app.Scopes);
        return described;
    }
}
