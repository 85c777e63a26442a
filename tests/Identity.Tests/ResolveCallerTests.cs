using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.AccessTokens;

namespace Platform.Identity.Tests;

public sealed partial class ResolveCallerTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_access_token_of_a_member_gives_an_assertion_for_each_audience()
    {
        var member = identity.Directory.Add(Roles.Editor, subject: "editor");
        var response = await identity.ResolveAsync(identity.Forge.Sign("editor", identity.Now), audiences: ["data", "audit"]);

        Assert.Equal(Refusal.Unspecified, response.Refusal);
        Assert.Equal(member.WorkspaceId, response.Caller.WorkspaceId);
        Assert.Equal(["databases.records:read", "databases.records:write", "workspace:read"], response.Caller.Permissions);
        Assert.Equal(["audit", "data"], response.Assertions.Keys.Order(StringComparer.Ordinal));
        var claims = await ValidateAsync(response.Assertions["data"], "data");
        Assert.Equal(member.WorkspaceId, claims["wks"]);
        Assert.Equal(member.MemberId, claims["mbr"]);
        Assert.Equal(member.Environments[0].EnvironmentId, claims["env"]);
        Assert.Equal("sandbox", claims["env_kind"]);
        Assert.Equal("editor", claims["role"]);
        Assert.Equal("session-of-editor", claims["tok"]);
        Assert.Equal("claude", claims["cli"]);
        Assert.Equal(
            30,
            new JsonWebToken(response.Assertions["data"])
                .ValidTo.Subtract(new JsonWebToken(response.Assertions["data"]).IssuedAt)
                .TotalSeconds
        );
        await Assert.ThrowsAnyAsync<SecurityTokenException>(() => ValidateAsync(response.Assertions["data"], "audit"));
    }

    [Fact]
    public async Task A_scope_never_widens_the_role()
    {
        identity.Directory.Add(Roles.Viewer, subject: "viewer");
        var response = await identity.ResolveAsync(identity.Forge.Sign("viewer", identity.Now, string.Join(' ', Scopes.All)));
        Assert.Equal(Roles.PermissionsOf(Roles.Viewer).Order(StringComparer.Ordinal), response.Caller.Permissions);
    }

    [Fact]
    public async Task A_role_never_widens_the_scopes()
    {
        identity.Directory.Add(Roles.Owner, subject: "owner");
        var response = await identity.ResolveAsync(
            identity.Forge.Sign("owner", identity.Now, "openid directory:read offline_access workspace:own")
        );
        Assert.Equal(["directory:read"], response.Caller.Permissions);
        Assert.Equal(["directory:read"], response.Caller.Scopes);
        Assert.Contains("workspace:own", response.Caller.RolePermissions);
    }

    [Fact]
    public async Task A_custom_role_may_do_what_it_lists()
    {
        var member = identity.Directory.Add("support", subject: "support");
        member.Environments[0].Permissions.Add("databases.records:read");
        var response = await identity.ResolveAsync(identity.Forge.Sign("support", identity.Now));
        Assert.Equal(["databases.records:read"], response.Caller.Permissions);
    }

    public static TheoryData<string, string> NobodysTokens =>
        new()
        {
            { "another audience", "aud" },
            { "another issuer", "iss" },
            { "an id token", "typ" },
            { "no audience", "no aud" },
            { "the first-party client", "azp" },
            { "no client", "no azp" },
            { "no subject", "no sub" },
            { "not valid yet", "nbf" },
            { "no expiry", "no exp" },
            { "nobody behind it, as a client that acts for itself gets", "no sid" },
            { "a longer life than any of the realm", "a week" },
        };

    [Theory]
    [MemberData(nameof(NobodysTokens))]
    public async Task A_token_that_is_not_for_the_edge_is_unknown(string what, string claim)
    {
        Assert.NotEmpty(what);
        var token = identity.Forge.Sign("anybody", identity.Now, change: claims =>
        {
            switch (claim)
            {
                case "aud":
                    claims["aud"] = "platform-governance";
                    break;
                case "iss":
                    claims["iss"] = "http://127.0.0.1/realms/other";
                    break;
                case "typ":
                    claims["typ"] = "ID";
                    break;
                case "azp":
                    claims["azp"] = "platform-governance";
                    break;
                case "a week":
                    claims["exp"] = identity.Now.AddDays(7).ToUnixTimeSeconds();
                    break;
                case "nbf":
                    claims["nbf"] = identity.Now.AddMinutes(1).ToUnixTimeSeconds();
                    break;
                default:
                    claims.Remove(claim[3..]);
                    break;
            }
        });
        await AssertUnknownAsync(token);
    }

    [Fact]
    public async Task A_token_without_a_signature_is_unknown()
    {
        var signed = identity.Forge.Sign("anybody", identity.Now).Split('.');
        await AssertUnknownAsync($"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT","kid":"forge"}""")}.{signed[1]}.");
        await AssertUnknownAsync($"{signed[0]}.{signed[1]}.");
        await AssertUnknownAsync($"{signed[0]}.{signed[1]}.{signed[2][..^4]}AAAA");
    }

    [Fact]
    public async Task A_token_signed_with_another_key_of_the_same_name_is_unknown()
    {
        using var rsa = System.Security.Cryptography.RSA.Create(2048);
        await AssertUnknownAsync(identity.Forge.Sign("anybody", identity.Now, key: new RsaSecurityKey(rsa) { KeyId = "forge" }));
    }

    [Fact]
    public async Task A_token_signed_with_the_public_key_as_a_secret_is_unknown()
    {
        var key = new SymmetricSecurityKey(((RsaSecurityKey)identity.Forge.Key).Rsa.ExportRSAPublicKey()) { KeyId = "forge" };
        await AssertUnknownAsync(identity.Forge.Sign("anybody", identity.Now, key: key, algorithm: SecurityAlgorithms.HmacSha256));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("a.b.c")]
    [InlineData("eyJhbGciOiJSUzI1NiIsImtpZCI6ImZvcmdlIn0.e30.AAAA")]
    public async Task What_is_no_token_is_unknown(string text) => await AssertUnknownAsync(text);

    [Fact]
    public async Task An_expired_token_is_told_from_a_forged_one()
    {
        var response = await identity.ResolveAsync(identity.Forge.Sign("anybody", identity.Now.AddMinutes(-6)));
        Assert.Equal(Refusal.Expired, response.Refusal);
        Assert.Empty(response.Assertions);
    }

    [Fact]
    public async Task An_assertion_never_outlives_the_token()
    {
        identity.Directory.Add(Roles.Viewer, subject: "late");
        var token = identity.Forge.Sign("late", identity.Now, change: claims =>
            claims["exp"] = identity.Now.AddSeconds(12).ToUnixTimeSeconds()
        );
        var response = await identity.ResolveAsync(token, audiences: "data");
        Assert.InRange(response.AssertionsExpireAt.ToDateTimeOffset(), identity.Now, identity.Now.AddSeconds(12));
    }

    [Fact]
    public async Task An_ended_session_is_refused()
    {
        identity.Directory.Add(Roles.Viewer, subject: "signed-out");
        var token = identity.Forge.Sign("signed-out", identity.Now);
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(token)).Refusal);
        await identity.Get<Revocations>().RevokeSessionAsync("1", "session-of-signed-out", Cancellation);
        await identity.Get<Revocations>().RevokeSessionAsync("1", "session-of-signed-out", Cancellation);
        var refused = await identity.ResolveAsync(token);
        Assert.Equal(Refusal.Revoked, refused.Refusal);
        Assert.NotEmpty(refused.Caller.MemberId);
    }

    [Fact]
    public async Task A_withdrawn_consent_refuses_what_that_client_got_before_and_nothing_else()
    {
        identity.Directory.Add(Roles.Viewer, subject: "withdrawn");
        var before = identity.Forge.Sign("withdrawn", identity.Now.AddSeconds(-10));
        var other = identity.Forge.Sign("withdrawn", identity.Now.AddSeconds(-10), change: claims => claims["azp"] = "cursor");
        var after = identity.Forge.Sign("withdrawn", identity.Now);
        await identity.Get<Revocations>().RevokeGrantAsync("2", "withdrawn", "claude", identity.Now.AddSeconds(-5), Cancellation);
        Assert.Equal(Refusal.Revoked, (await identity.ResolveAsync(before)).Refusal);
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(other)).Refusal);
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(after)).Refusal);
    }

    [Fact]
    public async Task A_first_sign_in_is_bound_by_the_verified_address()
    {
        var member = identity.Directory.Add(Roles.Viewer);
        identity.Forge.Accounts["new-account"] = Account("new-account", member.Email, verified: true);
        Assert.Equal(member.MemberId, (await identity.ResolveAsync(identity.Forge.Sign("new-account", identity.Now))).Caller.MemberId);
        Assert.Contains(member.MemberId, identity.Directory.Bound["new-account"]);
    }

    [Fact]
    public async Task A_member_of_one_workspace_is_bound_to_the_next_one_when_it_asks_for_it()
    {
        var first = identity.Directory.Add(Roles.Viewer, subject: "second-workspace");
        identity.Forge.Accounts["second-workspace"] = Account("second-workspace", first.Email, verified: true);
        var second = identity.Directory.Add(Roles.Admin, email: first.Email);
        var token = identity.Forge.Sign("second-workspace", identity.Now);
        Assert.Equal(first.MemberId, (await identity.ResolveAsync(token)).Caller.MemberId);
        Assert.Equal(second.MemberId, (await identity.ResolveAsync(token, second.WorkspaceId)).Caller.MemberId);
    }

    [Fact]
    public async Task An_address_that_is_not_verified_binds_nobody()
    {
        var member = identity.Directory.Add(Roles.Owner);
        identity.Forge.Accounts["impostor"] = Account("impostor", member.Email, verified: false);
        Assert.Equal(Refusal.EmailNotVerified, (await identity.ResolveAsync(identity.Forge.Sign("impostor", identity.Now))).Refusal);
        Assert.False(identity.Directory.Bound.ContainsKey("impostor"));
    }

    [Fact]
    public async Task An_account_that_is_no_member_is_refused_also_for_a_workspace_that_exists()
    {
        var elsewhere = identity.Directory.Add(Roles.Owner);
        identity.Forge.Accounts["stranger"] = Account("stranger", "stranger@example.com", verified: true);
        var stranger = await identity.ResolveAsync(identity.Forge.Sign("stranger", identity.Now));
        Assert.Equal(Refusal.NoMembership, stranger.Refusal);
        Assert.Contains("Sign in with the e-mail address that was invited", stranger.RefusalMessage, StringComparison.Ordinal);
        identity.Directory.Add(Roles.Owner, subject: "member-of-one");
        var refused = await identity.ResolveAsync(identity.Forge.Sign("member-of-one", identity.Now), elsewhere.WorkspaceId);
        Assert.Equal(Refusal.NoMembership, refused.Refusal);
        Assert.Empty(refused.Caller.WorkspaceId);
    }

    [Fact]
    public async Task A_member_of_two_workspaces_has_to_name_one()
    {
        identity.Directory.Add(Roles.Owner, subject: "both");
        var second = identity.Directory.Add(Roles.Viewer, subject: "both");
        var token = identity.Forge.Sign("both", identity.Now);
        var refused = await identity.ResolveAsync(token);
        Assert.Equal(Refusal.WorkspaceRequired, refused.Refusal);
        Assert.Contains(second.WorkspaceId, refused.RefusalMessage, StringComparison.Ordinal);
        Assert.Equal("viewer", (await identity.ResolveAsync(token, second.WorkspaceId)).Caller.Environment.Role);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sandbox")]
    [InlineData("SANDBOX")]
    public async Task An_environment_is_found_by_kind_or_name_and_the_default_is_the_sandbox(string named)
    {
        identity.Directory.Add(Roles.Editor, Roles.Editor, subject: "environments");
        var response = await identity.ResolveAsync(
            identity.Forge.Sign("environments", identity.Now),
            identity.Directory.Members[identity.Directory.Bound["environments"].First()].WorkspaceId,
            named
        );
        Assert.Equal("Sandbox", response.Caller.Environment.Name);
    }

    [Fact]
    public async Task Production_is_closed_until_it_is_opened()
    {
        var member = identity.Directory.Add(Roles.Admin, Roles.Admin, subject: "production");
        var token = identity.Forge.Sign("production", identity.Now);
        Assert.Equal(Refusal.ProductionNotAllowed, (await identity.ResolveAsync(token, environment: "Live")).Refusal);
        await PutSettingsAsync(member, new { productionAccess = true });
        var response = await identity.ResolveAsync(token, environment: "Live");
        Assert.Equal("production", response.Caller.Environment.Kind);
        Assert.Equal(Refusal.EnvironmentNotFound, (await identity.ResolveAsync(token, environment: "Staging")).Refusal);
    }

    [Fact]
    public async Task Without_write_access_only_reads_are_left()
    {
        var member = identity.Directory.Add(Roles.Admin, Roles.Admin, subject: "read-only");
        await PutSettingsAsync(member, new { writeAccess = false });
        var response = await identity.ResolveAsync(identity.Forge.Sign("read-only", identity.Now, string.Join(' ', Scopes.All)));
        Assert.All(response.Caller.Permissions, permission => Assert.EndsWith(":read", permission, StringComparison.Ordinal));
        Assert.Contains("audit:read", response.Caller.Permissions);
        Assert.False(response.Caller.Switches.WriteAccess);
    }

    [Fact]
    public async Task A_workspace_without_mcp_refuses_everybody()
    {
        var member = identity.Directory.Add(Roles.Admin, Roles.Admin, subject: "switched-off");
        await PutSettingsAsync(member, new { enabled = false });
        var refused = await identity.ResolveAsync(identity.Forge.Sign("switched-off", identity.Now), audiences: "data");
        Assert.Equal(Refusal.McpDisabled, refused.Refusal);
        Assert.Empty(refused.Assertions);
        Assert.Equal(member.MemberId, refused.Caller.MemberId);
    }

    [Fact]
    public async Task Directory_is_asked_with_an_identity_of_our_own()
    {
        identity.Directory.Add(Roles.Viewer, subject: "asked");
        await identity.ResolveAsync(identity.Forge.Sign("asked", identity.Now));
        var claims = await ValidateAsync(identity.Directory.Assertions.Last()["Bearer ".Length..], "directory");
        Assert.Equal("identity", claims["svc"]);
        Assert.False(claims.ContainsKey("wks"));
    }

    private async Task AssertUnknownAsync(string token)
    {
        identity.Directory.Add(Roles.Owner, subject: "anybody");
        var response = await identity.ResolveAsync(token, audiences: "data");
        Assert.Equal(Refusal.UnknownToken, response.Refusal);
        Assert.Empty(response.Assertions);
        Assert.Null(response.Caller);
    }

    private async Task PutSettingsAsync(Membership member, object settings)
    {
        using var governance = identity.GovernanceOf(member);
        (
            await governance.PutAsJsonAsync($"workspaces/{member.WorkspaceId}/mcp-settings", settings, Cancellation)
        ).EnsureSuccessStatusCode();
    }

    private async Task<IDictionary<string, object>> ValidateAsync(string assertion, string audience)
    {
        using var http = identity.CreateHttpClient();
        var keys = new JsonWebKeySet(await http.GetStringAsync(new Uri("/.well-known/assertion-keys", UriKind.Relative), Cancellation));
        var result = await new JsonWebTokenHandler { MapInboundClaims = false }.ValidateTokenAsync(
            assertion,
            new TokenValidationParameters
            {
                ValidIssuer = "platform-identity",
                ValidAudience = audience,
                ValidAlgorithms = ["ES256"],
                IssuerSigningKeys = keys.GetSigningKeys(),
            }
        );
        return result.IsValid ? result.Claims : throw result.Exception;
    }

    private static JsonObject Account(string subject, string email, bool verified) =>
        new()
        {
            ["id"] = subject,
            ["username"] = subject,
            ["email"] = email,
            ["emailVerified"] = verified,
            ["enabled"] = true,
        };
}
