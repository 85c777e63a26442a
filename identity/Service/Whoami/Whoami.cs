using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Assertions;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.Workspaces;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Whoami;

internal sealed partial class WorkspaceService
{
    public override async Task<WhoamiResponse> Whoami(WhoamiRequest request, ServerCallContext context)
    {
        var caller = context.Call().Caller;
        var workspaceId = Ids.Format("wks", caller.WorkspaceId);
        var memberId = caller.MemberId is { } id ? Ids.Format("mbr", id) : throw Problem.PermissionDenied("a member");
        var found = await directory.FindOrRecallAsync(workspaceId, memberId, context.CancellationToken);
        var membership = found.In(workspaceId) ?? throw Problem.NotFound("member", memberId);
        var switches = await work.ReadAsync(context, McpSettings.Find.Sql, [], async reader =>
            await reader.ReadAsync(context.CancellationToken) ? McpSettings.Read(reader) : McpSettings.Default
        );

        var response = new WhoamiResponse
        {
            Member = new WhoamiMember
            {
                Id = memberId,
                DisplayName = membership.DisplayName,
                Email = membership.Email,
                Role = caller.Role ?? "",
            },
            Workspace = new WhoamiWorkspace { Id = workspaceId, Name = membership.WorkspaceName },
            Token = Token(context, caller),
            Mcp = new WhoamiSwitches
            {
                ProductionAccess = switches.ProductionAccess,
                WriteAccess = switches.WriteAccess,
                StrictAudit = switches.StrictAudit,
            },
            MembershipAsOf = found.AsOf?.ToTimestamp(),
        };
        response.Environments.Add(membership.Environments.Select(environment => Describe(environment, switches)));
        response.Environment = caller.EnvironmentId is { } chosen
            ? response.Environments.FirstOrDefault(environment => environment.Id == Ids.Format("env", chosen))
            : null;
        response.Permissions.Add(caller.Permissions.Order(StringComparer.Ordinal));
        return response;
    }

    private static WhoamiEnvironment Describe(MemberEnvironment environment, Switches switches) =>
        new()
        {
            Id = environment.EnvironmentId,
            Name = environment.Name,
            Kind = environment.Kind,
            Role = environment.Role,
            IsDefault = environment.IsDefault,
            Reachable = Policy.IsAllowed(environment, switches.ProductionAccess),
        };

    // What the assertion says beyond the caller. Its signature was checked before the call came here.
    private static WhoamiToken Token(ServerCallContext context, ServiceDefaults.Calls.Caller caller)
    {
        var assertion = new JsonWebToken(context.RequestHeaders.GetValue("authorization")!["Bearer ".Length..]);
        var token = new WhoamiToken
        {
            Kind = assertion.TryGetPayloadValue<string>(OwnClaims.TokenKind, out var kind) ? kind : "",
            Id = caller.TokenId ?? "",
            ClientId = caller.ClientId ?? "",
            ExpiresAt = assertion.TryGetPayloadValue<long>(OwnClaims.TokenExpires, out var expires)
                ? new Timestamp { Seconds = expires }
                : null,
        };
        token.Scopes.Add(assertion.Claims.Where(claim => claim.Type == OwnClaims.Scopes).Select(claim => claim.Value));
        return token;
    }
}
