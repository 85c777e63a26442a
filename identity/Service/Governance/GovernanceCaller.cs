using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.Workspaces;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Governance;

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

    /// <summary>What the member may do in each environment of the workspace, in person.</summary>
    public Reach Reach => Policy.ReachOf(Membership);

    /// <summary>Whether the member manages anything at all in the workspace.</summary>
    public bool IsAdminSomewhere => Reach.With(Scopes.WorkspaceWrite).Any();

    public Call ToCall() =>
        OwnCall.By(
            new Caller
            {
                WorkspaceId = WorkspaceId,
                MemberId = MemberId,
                Role = DefaultEnvironment?.Role,
                Permissions = DefaultEnvironment is null ? new HashSet<string>() : Policy.RolePermissions(DefaultEnvironment).ToHashSet(),
                Reach = Reach,
                TokenId = Token.Session,
                ClientId = Token.ClientId,
            }
        );

    private MemberEnvironment? DefaultEnvironment => Membership.Environments.FirstOrDefault(environment => environment.IsDefault);
}
