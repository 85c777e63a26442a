using Grpc.Core;
using Platform.Identity.Contracts.V1;

namespace Platform.Identity.Service.ConnectedApps;

internal sealed partial class AppsService
{
    public override async Task<RevokeConnectedAppResponse> RevokeConnectedApp(RevokeConnectedAppRequest request, ServerCallContext context)
    {
        var (member, subject) = await FindAccountAsync(context);
        return await AskRealmAsync(() =>
            work.WriteAsync(context, async tx => new RevokeConnectedAppResponse
            {
                App = Describe(await apps.RevokeAsync(tx, member, subject, request.ClientId, confirmed: false)),
            })
        );
    }
}
