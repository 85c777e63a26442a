using System.Text.Json;
using System.Text.Json.Serialization;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Callers;
using Platform.ServiceDefaults.Calls;
using Caller = Platform.ServiceDefaults.Calls.Caller;

namespace Platform.Identity.Service.Governance;

/// <summary>
/// The HTTP API behind the platform's own pages: what decides about agents is out of an agent's reach. It takes only access tokens of the
/// first-party client with an audience of its own.
/// </summary>
internal static class GovernanceApi
{
    public const string Audience = "platform-governance";
    public const string Client = "platform-governance";

    /// <summary>How JSON is read and written here: a member that nobody knows is refused, not ignored.</summary>
    public static JsonSerializerOptions Json { get; } =
        new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    public static void MapGovernance(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/governance/v1").AddEndpointFilter<GovernanceGuard>();
        api.MapGet("/me", Me.Get);

        var workspace = api.MapGroup("/workspaces/{workspace}");
        workspace.MapGet("/personal-tokens", PersonalTokenApi.ListAsync);
        workspace.MapPost("/personal-tokens", PersonalTokenApi.CreateAsync);
        workspace.MapDelete("/personal-tokens/{token}", PersonalTokenApi.RevokeAsync);
        workspace.MapGet("/mcp-settings", McpSettingsApi.GetAsync);
        workspace.MapPut("/mcp-settings", McpSettingsApi.PutAsync);
        workspace.MapGet("/connected-apps", ConnectedAppApi.ListAsync);
        workspace.MapDelete("/connected-apps/{client}", ConnectedAppApi.RevokeAsync);
        workspace.MapGet("/audit-streams/{stream}/signing-secret", SigningSecretApi.RevealAsync);
        workspace.MapPost("/audit-streams/{stream}/signing-secret/rotate", SigningSecretApi.RotateAsync);
        api.MapDelete("/sessions/{session}", SessionApi.EndAsync);
    }
}

/// <summary>Who calls the governance API.</summary>
/// <param name="Member">In the workspace of the path; null where the path names none.</param>
internal sealed record GovernanceCaller(AccessToken Token, IReadOnlyList<Membership> Memberships, Membership? Member)
{
    public Membership Membership => Member ?? throw new InvalidOperationException("The path names no workspace.");

    public Guid WorkspaceId =>
        Ids.TryParse("wks", Membership.WorkspaceId, out var id)
            ? id
            : throw new InvalidOperationException("Directory gave no workspace id.");

    public Guid MemberId =>
        Ids.TryParse("mbr", Membership.MemberId, out var id) ? id : throw new InvalidOperationException("Directory gave no member id.");

    /// <summary>Whether the member manages every environment of this kind that it has a role in, and at least one.</summary>
    public bool Manages(string kind)
    {
        var environments = Membership.Environments.Where(environment => environment.Kind == kind).ToList();
        return environments.Count > 0
            && environments.TrueForAll(environment => Policy.RolePermissions(environment).Contains("workspace:write"));
    }

    /// <summary>An admin of the workspace: manages its default environment.</summary>
    public bool IsAdmin => DefaultEnvironment is { } environment && Policy.RolePermissions(environment).Contains("workspace:write");

    public Call ToCall() =>
        OwnCall.By(
            new Caller
            {
                WorkspaceId = WorkspaceId,
                MemberId = MemberId,
                Role = DefaultEnvironment?.Role,
                Permissions = DefaultEnvironment is null ? new HashSet<string>() : Policy.RolePermissions(DefaultEnvironment).ToHashSet(),
                TokenId = Token.Session,
                ClientId = Token.ClientId,
            }
        );

    private MemberEnvironment? DefaultEnvironment => Membership.Environments.FirstOrDefault(environment => environment.IsDefault);
}
