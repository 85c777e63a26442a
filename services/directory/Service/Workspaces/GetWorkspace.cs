using System.Data;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Workspaces;

internal sealed partial class WorkspacesService
{
    private const string FindWorkspace = "select workspace_id, name, created_at from directory.workspace";

    public override Task<GetWorkspaceResponse> GetWorkspace(GetWorkspaceRequest request, ServerCallContext context)
    {
        var call = context.Call();
        return work.ReadAsync(
            call,
            SessionSettings.Default,
            async reader =>
            {
                if (!await reader.ReadAsync(context.CancellationToken))
                {
                    throw Problem.NotFound("workspace", Ids.Format("wks", call.WorkspaceId));
                }

                var response = new GetWorkspaceResponse
                {
                    Id = Ids.Format("wks", reader.GetGuid("workspace_id")),
                    Name = reader.GetString("name"),
                    CreatedAt = Timestamp.FromDateTime(reader.GetDateTime("created_at")),
                };
                await reader.NextResultAsync(context.CancellationToken);
                while (await reader.ReadAsync(context.CancellationToken))
                {
                    response.Environments.Add(ReadEnvironment(reader));
                }

                return response;
            },
            context.CancellationToken,
            new Statement(FindWorkspace),
            new Statement(FindReachable, call.Caller.MemberId ?? Guid.Empty)
        );
    }
}
