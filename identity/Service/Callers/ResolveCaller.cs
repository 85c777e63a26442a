using Google.Protobuf.WellKnownTypes;
using Microsoft.IdentityModel.JsonWebTokens;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Assertions;
using Platform.Identity.Service.Workspaces;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;
using Caller = Platform.Identity.Contracts.V1.Caller;

namespace Platform.Identity.Service.Callers;

internal sealed partial class CallersService
{
    private Task<ResolveCallerResponse> ResolveAsync(ResolveCallerRequest request, CancellationToken cancellationToken) =>
        request.CredentialCase switch
        {
            ResolveCallerRequest.CredentialOneofCase.AccessToken => ResolveAccessTokenAsync(request, cancellationToken),
            ResolveCallerRequest.CredentialOneofCase.PersonalToken => ResolvePersonalTokenAsync(request, cancellationToken),
            _ => throw Problem.Invalid("credential", "is required", "Send an access token or a personal token."),
        };

    private async Task<ResolveCallerResponse> ResolveAccessTokenAsync(ResolveCallerRequest request, CancellationToken cancellationToken)
    {
        var (state, token) = await accessTokens.ValidateAsync(request.AccessToken, cancellationToken);
        if (state == AccessTokenState.Unknown || !edge.IsFor(token!))
        {
            return Refused(Refusal.UnknownToken, "The access token is not one for this server.");
        }

        var caller = new Caller
        {
            Subject = token!.Subject,
            Token = new CallerToken
            {
                Kind = "oauth",
                TokenId = token.Session,
                ClientId = token.ClientId,
                IssuedAt = token.IssuedAt.ToTimestamp(),
                ExpiresAt = token.ExpiresAt.ToTimestamp(),
            },
        };
        caller.Scopes.Add(token.Scopes.Intersect(Scopes.All));
        if (state == AccessTokenState.Expired)
        {
            return Refused(Refusal.Expired, "The access token has expired.", caller);
        }

        var found = await directory.FindOrRecallAsync(token, request.Workspace, cancellationToken);
        var memberships = found.Memberships;
        var membership =
            request.Workspace.Length > 0 ? found.In(request.Workspace)
            : memberships.Count == 1 ? memberships[0]
            : null;
        caller.MembershipAsOf = found.AsOf?.ToTimestamp();
        var (revoked, switches) = await LookUpAsync(token, membership, cancellationToken);
        Introduce(caller, membership, switches);
        if (revoked)
        {
            return Refused(Refusal.Revoked, "The sign-in was ended or the consent withdrawn.", caller);
        }

        if (membership is null)
        {
            return (memberships.Count, request.Workspace.Length) switch
            {
                (0, _) when !found.EmailVerified => Refused(
                    Refusal.EmailNotVerified,
                    "The e-mail address of this account is not verified. Verify it, then try again.",
                    caller
                ),
                (> 1, 0) => Refused(
                    Refusal.WorkspaceRequired,
                    "The account is a member of several workspaces. Add ?workspace= to the URL with one of: "
                        + $"{string.Join(", ", memberships.Select(one => one.WorkspaceId))}.",
                    caller
                ),
                _ => Refused(
                    Refusal.NoMembership,
                    "The account is not a member of this workspace. Sign in with the e-mail address that was invited, "
                        + "or ask an admin of the workspace for an invitation.",
                    caller
                ),
            };
        }

        var response = await DecideAsync(request, caller, membership, switches, cancellationToken);
        if (
            response.Refusal == Refusal.Unspecified
            && Ids.TryParse("wks", membership.WorkspaceId, out var workspace)
            && Ids.TryParse("mbr", membership.MemberId, out var member)
        )
        {
            lastUse.SeenApp(workspace, member, token.ClientId);
        }

        return response;
    }

    private async Task<ResolveCallerResponse> ResolvePersonalTokenAsync(ResolveCallerRequest request, CancellationToken cancellationToken)
    {
        const string Unknown = "The personal token is unknown.";
        if (!PersonalToken.IsWellFormed(request.PersonalToken))
        {
            return Refused(Refusal.UnknownToken, Unknown);
        }

        var (token, switches) = await personalTokens.FindAsync(request.PersonalToken, cancellationToken);
        if (token is null)
        {
            return Refused(Refusal.UnknownToken, Unknown);
        }

        var caller = new Caller
        {
            WorkspaceId = Ids.Format("wks", token.WorkspaceId),
            MemberId = Ids.Format("mbr", token.MemberId),
            Token = new CallerToken
            {
                Kind = "personal",
                TokenId = Ids.Format("tok", token.Id),
                ClientId = "personal-token",
                IssuedAt = token.CreatedAt.ToTimestamp(),
                ExpiresAt = token.ExpiresAt.ToTimestamp(),
            },
        };
        caller.Scopes.Add(token.Scopes);
        if (token.RevokedAt is not null)
        {
            return Refused(Refusal.Revoked, "The personal token was revoked.", caller);
        }

        if (token.ExpiresAt <= time.GetUtcNow())
        {
            return Refused(Refusal.Expired, "The personal token has expired. Create a new one.", caller);
        }

        var found = await directory.FindOrRecallAsync(caller.WorkspaceId, caller.MemberId, cancellationToken);
        var membership = found.In(caller.WorkspaceId);
        caller.MembershipAsOf = found.AsOf?.ToTimestamp();
        Introduce(caller, membership, switches);
        if (membership is null || request.Workspace.Length > 0 && request.Workspace != membership.WorkspaceId)
        {
            return Refused(Refusal.NoMembership, "The personal token is not for this workspace, or its member has left it.", caller);
        }

        var response = await DecideAsync(request, caller, membership, switches, cancellationToken);
        lastUse.Seen(token.WorkspaceId, token.Id);
        return response;
    }

    // The order of docs/architecture.md, "A call, step by step": MCP enabled, environment reachable, environment allowed. Writes,
    // permissions and scopes depend on the tool; the edge and the services judge them by what the answer holds.
    private async Task<ResolveCallerResponse> DecideAsync(
        ResolveCallerRequest request,
        Caller caller,
        Membership membership,
        Switches switches,
        CancellationToken cancellationToken
    )
    {
        if (!switches.Enabled)
        {
            return Refused(
                Refusal.McpDisabled,
                "The workspace has switched MCP off. An admin can switch it on in the platform's settings.",
                caller
            );
        }

        var environment = Policy.Choose(membership.Environments, request.Environment, switches.ProductionAccess);
        if (environment is null)
        {
            return Refused(
                Refusal.EnvironmentNotFound,
                membership.Environments.Count == 0
                    ? "The member has no role in any environment of the workspace."
                    : $"There is no environment {request.Environment} here. "
                        + $"Use one of: {string.Join(", ", membership.Environments.Select(found => found.Name))}.",
                caller
            );
        }

        caller.Environment = Describe(environment, switches);
        caller.RolePermissions.Add(Policy.RolePermissions(environment).Order(StringComparer.Ordinal));
        if (!caller.Environment.Allowed)
        {
            return Refused(
                Refusal.ProductionNotAllowed,
                "The workspace does not let MCP reach environments of kind production. An admin can allow it in the platform's settings.",
                caller
            );
        }

        // Who is not known for sure to be an administrator does not act as one.
        IReadOnlyCollection<string> scopes = caller.MembershipAsOf is null ? caller.Scopes : [.. caller.Scopes.Intersect(Scopes.Ordinary)];
        caller.Permissions.Add(Policy.Effective(caller.RolePermissions, scopes, switches));
        var reach = Policy.ReachOf(membership, scopes, switches);
        if (request.OnlyEnvironment && Ids.TryParse("env", environment.EnvironmentId, out var only))
        {
            reach = reach.Only(only);
        }

        var (signed, expires) = await assertions.IssueAsync(
            Claims(caller, reach),
            request.Audiences,
            caller.Token.ExpiresAt.ToDateTimeOffset(),
            cancellationToken
        );
        var response = new ResolveCallerResponse { Caller = caller, AssertionsExpireAt = expires.ToTimestamp() };
        foreach (var (audience, assertion) in signed)
        {
            response.Assertions.Add(audience, assertion);
        }

        return response;
    }

    // One round trip for both: whether the token was taken back, and what the workspace lets MCP do.
    private Task<(bool Revoked, Switches Switches)> LookUpAsync(
        AccessToken token,
        Membership? membership,
        CancellationToken cancellationToken
    )
    {
        var workspace = membership is not null && Ids.TryParse("wks", membership.WorkspaceId, out var id) ? id : Guid.Empty;
        return work.ReadAsync(
            OwnCall.For(workspace),
            SessionSettings.Default,
            async reader =>
            {
                await reader.ReadAsync(cancellationToken);
                var revoked = reader.GetBoolean(0);
                await reader.NextResultAsync(cancellationToken);
                return (revoked, await reader.ReadAsync(cancellationToken) ? McpSettings.Read(reader) : McpSettings.Default);
            },
            cancellationToken,
            Revocations.IsRevoked(token),
            McpSettings.Find
        );
    }

    private static void Introduce(Caller caller, Membership? membership, Switches switches)
    {
        if (membership is null)
        {
            return;
        }

        caller.WorkspaceId = membership.WorkspaceId;
        caller.WorkspaceName = membership.WorkspaceName;
        caller.MemberId = membership.MemberId;
        caller.DisplayName = membership.DisplayName;
        caller.Switches = switches;
        caller.Environments.Add(membership.Environments.Select(environment => Describe(environment, switches)));
    }

    private static ReachableEnvironment Describe(MemberEnvironment environment, Switches switches) =>
        new()
        {
            EnvironmentId = environment.EnvironmentId,
            Name = environment.Name,
            Kind = environment.Kind,
            IsDefault = environment.IsDefault,
            Role = environment.Role,
            Allowed = Policy.IsAllowed(environment, switches.ProductionAccess),
        };

    private static Dictionary<string, object> Claims(Caller caller, Reach reach) =>
        new()
        {
            [JwtRegisteredClaimNames.Sub] = caller.Subject.Length > 0 ? caller.Subject : caller.MemberId,
            [AssertionClaims.Workspace] = caller.WorkspaceId,
            [AssertionClaims.Environment] = caller.Environment.EnvironmentId,
            [AssertionClaims.EnvironmentKind] = caller.Environment.Kind,
            [AssertionClaims.Member] = caller.MemberId,
            [AssertionClaims.Role] = caller.Environment.Role,
            [AssertionClaims.Permissions] = caller.Permissions.ToArray(),
            [AssertionClaims.Environments] = reach.ToClaim(),
            [AssertionClaims.Token] = caller.Token.TokenId,
            [AssertionClaims.Client] = caller.Token.ClientId,
            [OwnClaims.Scopes] = caller.Scopes.ToArray(),
            [OwnClaims.TokenKind] = caller.Token.Kind,
            [OwnClaims.TokenExpires] = caller.Token.ExpiresAt.Seconds,
        };

    private static ResolveCallerResponse Refused(Refusal refusal, string message, Caller? caller = null) =>
        new()
        {
            Refusal = refusal,
            RefusalMessage = message,
            Caller = caller,
        };
}
