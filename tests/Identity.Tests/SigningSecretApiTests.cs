using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Assertions;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Tests;

/// <summary>
/// The signing secrets of audit streams in the governance API: for people who may change streams, and never for an agent.
/// </summary>
public sealed class SigningSecretApiTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private readonly string _stream = Ids.Format("str", Ids.New());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Roles.Admin)]
    [InlineData(Roles.Owner)]
    public async Task Who_may_change_streams_reads_a_secret_and_rotates_it(string role)
    {
        var member = MemberWithStream(role);
        using var governance = identity.GovernanceOf(member);
        using var revealed = await governance.GetAsync(Path(member), Cancellation);
        Assert.Equal(
            $$"""
            {"streamId":"{{_stream}}","name":"to our SIEM","url":"https://siem.example/","secret":"whsec_old",
            "setAt":"1970-01-01T00:00:00+00:00","previousSecret":null,"previousUntil":null,"test":null}
            """.ReplaceLineEndings(""),
            await revealed.Content.ReadAsStringAsync(Cancellation)
        );
        Assert.Equal("no-store", revealed.Headers.CacheControl?.ToString());
        using var rotated = await governance.PostAsync(Path(member) + "/rotate", null, Cancellation);
        var answer = (await rotated.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;
        Assert.Equal(
            ("whsec_new", "whsec_old", "accepted"),
            ((string?)answer["secret"], (string?)answer["previousSecret"], (string?)answer["test"])
        );
        Assert.Equal("no-store", rotated.Headers.CacheControl?.ToString());
    }

    [Fact]
    public async Task Audit_gets_an_assertion_of_identity_for_the_member_and_for_nobody_else()
    {
        var member = MemberWithStream(Roles.Admin);
        using var governance = identity.GovernanceOf(member);
        (await governance.GetAsync(Path(member), Cancellation)).EnsureSuccessStatusCode();
        var assertion = identity
            .Audit.Assertions.Select(text => new JsonWebToken(text))
            .Single(token => token.GetClaim(AssertionClaims.Member).Value == member.MemberId);
        var checkedOver = await new JsonWebTokenHandler { MapInboundClaims = false }.ValidateTokenAsync(
            assertion.EncodedToken,
            new TokenValidationParameters
            {
                ValidIssuer = AssertionClaims.Issuer,
                ValidAudience = "audit",
                ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
                IssuerSigningKeys = await identity.Get<AssertionKeyRing>().FindAsync(assertion.Kid, Cancellation),
                LifetimeValidator = (_, expires, _, _) =>
                    expires > identity.Now.UtcDateTime && expires <= identity.Now.AddMinutes(1).UtcDateTime,
            }
        );
        Assert.True(checkedOver.IsValid, checkedOver.Exception?.Message);
        Assert.Equal(
            ("identity", member.WorkspaceId, "admin", "platform-governance"),
            (Claim(AssertionClaims.Service), Claim(AssertionClaims.Workspace), Claim(AssertionClaims.Role), Claim(AssertionClaims.Client))
        );
        Assert.Equal(
            Roles.PermissionsOf(Roles.Admin).Order(),
            assertion.Claims.Where(claim => claim.Type == AssertionClaims.Permissions).Select(claim => claim.Value).Order()
        );

        string Claim(string type) => assertion.GetClaim(type).Value;
    }

    [Theory]
    [InlineData(Roles.Viewer)]
    [InlineData(Roles.Editor)]
    public async Task Who_may_not_change_streams_gets_403(string role)
    {
        var member = MemberWithStream(role);
        using var governance = identity.GovernanceOf(member);
        await AssertProblemAsync(governance.GetAsync(Path(member), Cancellation), 403, "PERMISSION_DENIED");
        await AssertProblemAsync(governance.PostAsync(Path(member) + "/rotate", null, Cancellation), 403, "PERMISSION_DENIED");
    }

    [Fact]
    public async Task A_token_of_an_agent_gets_403_for_a_signing_secret()
    {
        var member = MemberWithStream(Roles.Owner);
        identity.Directory.Bound["agent-of-" + member.MemberId] = [member.MemberId];
        var calls = identity.Audit.Assertions.Count;
        foreach (
            var token in new[]
            {
                identity.Forge.Sign("agent-of-" + member.MemberId, identity.Now, string.Join(' ', Scopes.All)),
                PersonalToken.Create(),
            }
        )
        {
            using var agent = identity.Governance(token);
            await AssertProblemAsync(agent.GetAsync(Path(member), Cancellation), 403, "NOT_FOR_AGENTS");
            await AssertProblemAsync(agent.PostAsync(Path(member) + "/rotate", null, Cancellation), 403, "NOT_FOR_AGENTS");
        }

        Assert.DoesNotContain(identity.Audit.Assertions.Skip(calls), text =>
            new JsonWebToken(text).GetClaim(AssertionClaims.Member).Value == member.MemberId
        );
    }

    [Fact]
    public async Task A_stream_of_another_workspace_is_not_found_and_neither_is_the_workspace()
    {
        var member = MemberWithStream(Roles.Owner);
        var stranger = identity.Directory.Add(Roles.Owner);
        using var elsewhere = identity.GovernanceOf(stranger);
        await AssertProblemAsync(elsewhere.GetAsync(Path(stranger), Cancellation), 404, "NOT_FOUND");
        await AssertProblemAsync(elsewhere.PostAsync(Path(stranger) + "/rotate", null, Cancellation), 404, "NOT_FOUND");
        await AssertProblemAsync(elsewhere.GetAsync(Path(member), Cancellation), 404, "NOT_FOUND");
    }

    [Fact]
    public async Task Without_audit_there_is_no_answer()
    {
        var member = MemberWithStream(Roles.Owner);
        using var governance = identity.GovernanceOf(member);
        identity.Audit.IsAway = true;
        try
        {
            await AssertProblemAsync(governance.GetAsync(Path(member), Cancellation), 503, "UNAVAILABLE");
        }
        finally
        {
            identity.Audit.IsAway = false;
        }
    }

    private Membership MemberWithStream(string role)
    {
        var member = identity.Directory.Add(role);
        identity.Audit.Secrets[(member.WorkspaceId, _stream)] = "whsec_old";
        return member;
    }

    private string Path(Membership member) => $"workspaces/{member.WorkspaceId}/audit-streams/{_stream}/signing-secret";

    private static async Task AssertProblemAsync(Task<HttpResponseMessage> call, int status, string reason)
    {
        using var response = await call;
        var problem = (await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;
        Assert.Equal((status, reason), ((int)response.StatusCode, (string)problem["reason"]!));
        Assert.NotEmpty((string)problem["fix"]!);
        Assert.DoesNotContain("whsec_", problem.ToJsonString(), StringComparison.Ordinal);
    }
}
