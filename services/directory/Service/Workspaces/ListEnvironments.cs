using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Workspaces;

internal sealed partial class WorkspacesService
{
    public override Task<ListEnvironmentsResponse> ListEnvironments(ListEnvironmentsRequest request, ServerCallContext context) =>
        work.ReadAsync(context, FindReachable, [context.Call().Caller.MemberId ?? Guid.Empty], async reader =>
        {
            var response = new ListEnvironmentsResponse();
            while (await reader.ReadAsync(context.CancellationToken))
            {
                response.Environments.Add(ReadEnvironment(reader));
            }

            return response;
        });
}
