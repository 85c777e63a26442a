using System.Net.Http.Json;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts.V1;
using Platform.Testing;

namespace Platform.Identity.Tests;

public sealed class WhoamiTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private static readonly string[] _oneScope = ["workspace:read"];

    private Workspace.WorkspaceClient Client => new(identity.Channel);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoami_names_member_workspace_environments_and_switches()
    {
        var member = identity.Directory.Add(Roles.Admin, Roles.Viewer);
        var response = await Client.WhoamiAsync(new WhoamiRequest(), identity.As(CallerOf(member, Roles.Admin)));
        Assert.Equal(
            (member.MemberId, "Ada Example", Roles.Admin),
            (response.Member.Id, response.Member.DisplayName, response.Member.Role)
        );
        Assert.Equal((member.WorkspaceId, "Acme"), (response.Workspace.Id, response.Workspace.Name));
        Assert.Equal(member.Environments[0].EnvironmentId, response.Environment.Id);
        Assert.Equal(
            [("Sandbox", Roles.Admin, true), ("Live", Roles.Viewer, false)],
            response.Environments.Select(found => (found.Name, found.Role, found.Reachable))
        );
        Assert.Equal((false, true, false), (response.Mcp.ProductionAccess, response.Mcp.WriteAccess, response.Mcp.StrictAudit));
        Assert.Contains("workspace:write", response.Permissions);
    }

    [Fact]
    public async Task Whoami_tells_what_the_token_is_and_until_when()
    {
        var member = identity.Directory.Add(Roles.Editor, subject: "whoami");
        var resolved = await identity.ResolveAsync(identity.Forge.Sign("whoami", identity.Now), audiences: "identity");
        var headers = new Metadata { { "authorization", "Bearer " + identity.Issuer.Issue(CallerOf(member, Roles.Editor), "identity") } };
        var plain = await Client.WhoamiAsync(new WhoamiRequest(), headers, cancellationToken: Cancellation);
        Assert.Equal("tok_test", plain.Token.Id);

        // The fixture trusts its own issuer instead of ours; what ours says is read the same way.
        Assert.Equal(
            ["databases.records:read", "databases.records:write", "workspace:read"],
            new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(resolved.Assertions["identity"])
                .Claims.Where(claim => claim.Type == "scp")
                .Select(claim => claim.Value)
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Whoami_needs_its_permission_and_an_assertion()
    {
        var member = identity.Directory.Add(Roles.Viewer);
        Assert.Equal(
            "PERMISSION_DENIED",
            (
                await Client
                    .WhoamiAsync(new WhoamiRequest(), identity.As(CallerOf(member, Roles.Viewer) with { Permissions = [] }))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "UNAUTHENTICATED",
            (await Client.WhoamiAsync(new WhoamiRequest(), cancellationToken: Cancellation).ProblemAsync()).Reason
        );
    }

    [Fact]
    public async Task A_member_of_another_workspace_is_not_found()
    {
        var member = identity.Directory.Add(Roles.Viewer);
        Assert.Equal(
            "NOT_FOUND",
            (
                await Client
                    .WhoamiAsync(new WhoamiRequest(), identity.As(CallerOf(member, Roles.Viewer) with { Workspace = Ids.New() }))
                    .ProblemAsync()
            ).Reason
        );
    }

    [Fact]
    public async Task Switches_of_one_workspace_do_not_show_in_another()
    {
        var member = identity.Directory.Add(Roles.Admin, Roles.Admin);
        using (var governance = identity.GovernanceOf(member))
        {
            (
                await governance.PutAsJsonAsync($"workspaces/{member.WorkspaceId}/mcp-settings", new { strictAudit = true }, Cancellation)
            ).EnsureSuccessStatusCode();
        }

        Assert.True((await Client.WhoamiAsync(new WhoamiRequest(), identity.As(CallerOf(member, Roles.Admin)))).Mcp.StrictAudit);
        var other = identity.Directory.Add(Roles.Admin);
        Assert.False((await Client.WhoamiAsync(new WhoamiRequest(), identity.As(CallerOf(other, Roles.Admin)))).Mcp.StrictAudit);
    }

    [Fact]
    public async Task Every_table_of_a_workspace_is_behind_forced_row_level_security() =>
        await TenancyLaws.AssertAsync(
            identity.Admin,
            "identity",
            "identity.personal_token: personal_token_resolve",
            "identity.personal_token: personal_token_used",
            "identity.mcp_settings: mcp_settings_resolve",
            "identity.connected_app: connected_app_used"
        );

    [Fact]
    public async Task The_application_role_sees_no_token_without_a_workspace()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        (
            await governance.PostAsJsonAsync(
                $"workspaces/{member.WorkspaceId}/personal-tokens",
                new { name = "x", scopes = _oneScope },
                Cancellation
            )
        ).EnsureSuccessStatusCode();
        await using var command = identity.App.CreateCommand("select count(*) from identity.personal_token");
        Assert.Equal(0L, await command.ExecuteScalarAsync(Cancellation));
    }

    private static TestCaller CallerOf(Membership member, string role) =>
        new()
        {
            Workspace = Parse("wks", member.WorkspaceId),
            Member = Parse("mbr", member.MemberId),
            Environment = Parse("env", member.Environments[0].EnvironmentId),
            Role = role,
        };

    private static Guid Parse(string prefix, string text) => Ids.TryParse(prefix, text, out var id) ? id : throw new FormatException(text);
}
