using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.PersonalTokens;

namespace Platform.Identity.Tests;

public sealed partial class GovernanceTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private static readonly string[] _oneScope = ["workspace:read"];
    private static readonly object _newToken = new { name = "Laptop", scopes = new[] { "workspace:read", "databases.records:read" } };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> Strangers =>
        new()
        {
            { "nobody", 401 },
            { "an agent", 403 },
            { "an agent with our audience too", 403 },
            { "our audience for another client", 403 },
            { "a personal token", 403 },
            { "expired", 401 },
            { "another issuer", 401 },
            { "unsigned", 401 },
            { "nonsense", 401 },
            { "signed out", 401 },
        };

    [Theory]
    [MemberData(nameof(Strangers))]
    public async Task Only_the_first_party_client_gets_in(string who, int status)
    {
        var member = identity.Directory.Add(Roles.Owner, subject: "governed");
        var token = who switch
        {
            "nobody" => null,
            "an agent" => identity.Forge.Sign("governed", identity.Now, string.Join(' ', Scopes.All)),
            "an agent with our audience too" => identity.Forge.Sign("governed", identity.Now, change: claims =>
                claims["aud"] = new[] { IdentityFixture.EdgeUrl, "platform-governance" }
            ),
            "our audience for another client" => identity.Forge.Sign("governed", identity.Now, change: claims =>
                claims["aud"] = "platform-governance"
            ),
            "a personal token" => PersonalToken.Create(),
            "expired" => identity.Forge.SignForGovernance("governed", identity.Now.AddHours(-1)),
            "another issuer" => identity.Forge.Sign("governed", identity.Now, change: claims =>
            {
                claims["iss"] = "https://elsewhere.example/realms/platform";
                claims["aud"] = "platform-governance";
                claims["azp"] = "platform-governance";
            }),
            "unsigned" => string.Join('.', identity.Forge.SignForGovernance("governed", identity.Now).Split('.')[..2]) + ".",
            "signed out" => await SignedOutAsync(),
            _ => "nonsense",
        };
        using var governance = identity.Governance(token);
        foreach (
            var request in new[]
            {
                new HttpRequestMessage(HttpMethod.Get, "me"),
                new HttpRequestMessage(HttpMethod.Get, $"workspaces/{member.WorkspaceId}/personal-tokens"),
                new HttpRequestMessage(HttpMethod.Post, $"workspaces/{member.WorkspaceId}/personal-tokens")
                {
                    Content = JsonContent.Create(_newToken),
                },
                new HttpRequestMessage(HttpMethod.Put, $"workspaces/{member.WorkspaceId}/mcp-settings")
                {
                    Content = JsonContent.Create(new { productionAccess = true }),
                },
                new HttpRequestMessage(HttpMethod.Delete, $"workspaces/{member.WorkspaceId}/connected-apps/claude"),
                new HttpRequestMessage(HttpMethod.Get, $"workspaces/{member.WorkspaceId}/audit-streams/str_any/signing-secret"),
                new HttpRequestMessage(HttpMethod.Post, $"workspaces/{member.WorkspaceId}/audit-streams/str_any/signing-secret/rotate"),
                new HttpRequestMessage(HttpMethod.Delete, "sessions/any"),
            }
        )
        {
            using var response = await governance.SendAsync(request, Cancellation);
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal(status == 401, response.Headers.Contains("WWW-Authenticate"));
        }

        async Task<string> SignedOutAsync()
        {
            await identity.Get<Service.AccessTokens.Revocations>().RevokeSessionAsync("signed-out", "session-of-gone", Cancellation);
            return identity.Forge.SignForGovernance("gone", identity.Now);
        }
    }

    [Fact]
    public async Task A_personal_token_works_until_it_is_revoked_and_is_shown_once()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        var created = await PostAsync(governance, member.WorkspaceId, _newToken);
        var secret = (string)created["token"]!;
        Assert.Equal(identity.Now.AddDays(90), (DateTimeOffset)created["expiresAt"]!, TimeSpan.FromMinutes(1));

        var response = await identity.ResolveAsync(secret, audiences: "data");
        Assert.Equal(Refusal.Unspecified, response.Refusal);
        Assert.Equal(member.MemberId, response.Caller.MemberId);
        Assert.Equal(["databases.records:read", "workspace:read"], response.Caller.Permissions);
        Assert.Equal("personal-token", response.Caller.Token.ClientId);
        Assert.Equal((string)created["id"]!, response.Caller.Token.TokenId);
        Assert.Single(response.Assertions);

        var listed = await ListAsync(governance, member.WorkspaceId);
        Assert.DoesNotContain(secret, listed.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal($"{secret[..8]}…{secret[^4..]}", (string)listed[0]!["hint"]!);

        for (var repeat = 0; repeat < 2; repeat++)
        {
            using var deleted = await governance.DeleteAsync(
                new Uri($"workspaces/{member.WorkspaceId}/personal-tokens/{(string)created["id"]!}", UriKind.Relative),
                Cancellation
            );
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        Assert.Equal(Refusal.Revoked, (await identity.ResolveAsync(secret)).Refusal);
        var createdEvent = await identity.Events.WaitAsync(happened =>
            happened.Type == nameof(PersonalTokenCreated) && happened.Targets[0].Ids[0] == (string)created["id"]!
        );
        Assert.DoesNotContain(secret, createdEvent.Payload.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("personal_token.created", createdEvent.Action);
        Assert.Equal(member.MemberId, createdEvent.Actor.Id);
        await identity.Events.WaitAsync(happened =>
            happened.Type == nameof(PersonalTokenRevoked) && happened.Targets[0].Ids[0] == (string)created["id"]!
        );
        Assert.Single(identity.Events.All, happened =>
            happened.Type == nameof(PersonalTokenRevoked) && happened.Targets[0].Ids[0] == (string)created["id"]!
        );
    }

    [Fact]
    public async Task The_database_holds_no_secret()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        var secret = (string)(await PostAsync(governance, member.WorkspaceId, _newToken))["token"]!;
        await using var command = identity.Admin.CreateCommand(
            "select count(*) from identity.personal_token t where t::text like '%' || $1 || '%'"
        );
        command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = secret[4..34] });
        Assert.Equal(0L, await command.ExecuteScalarAsync(Cancellation));
        await using var outbox = identity.Admin.CreateCommand("select count(*) from platform.outbox where envelope like '%' || $1 || '%'");
        outbox.Parameters.Add(new Npgsql.NpgsqlParameter { Value = secret[8..34] });
        Assert.Equal(0L, await outbox.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task A_personal_token_of_another_workspace_is_not_found_and_one_of_another_member_only_by_admins()
    {
        var workspace = Ids.Format("wks", Ids.New());
        var owner = identity.Directory.Add(Roles.Editor, workspace: workspace);
        using var governance = identity.GovernanceOf(owner);
        var created = await PostAsync(governance, workspace, _newToken);
        var secret = (string)created["token"]!;

        var stranger = identity.Directory.Add(Roles.Owner, Roles.Owner);
        using var elsewhere = identity.GovernanceOf(stranger);
        Assert.Empty(await ListAsync(elsewhere, stranger.WorkspaceId, "?member=all"));
        await AssertProblemAsync(
            elsewhere.DeleteAsync($"workspaces/{stranger.WorkspaceId}/personal-tokens/{(string)created["id"]!}", Cancellation),
            404,
            "NOT_FOUND"
        );
        await AssertProblemAsync(
            elsewhere.DeleteAsync($"workspaces/{workspace}/personal-tokens/{(string)created["id"]!}", Cancellation),
            404,
            "NOT_FOUND"
        );

        using var colleague = identity.GovernanceOf(identity.Directory.Add(Roles.Editor, workspace: workspace));
        Assert.Empty(await ListAsync(colleague, workspace));
        await AssertProblemAsync(
            colleague.GetAsync($"workspaces/{workspace}/personal-tokens?member=all", Cancellation),
            403,
            "PERMISSION_DENIED"
        );
        await AssertProblemAsync(
            colleague.DeleteAsync($"workspaces/{workspace}/personal-tokens/{(string)created["id"]!}", Cancellation),
            404,
            "NOT_FOUND"
        );
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(secret)).Refusal);

        using var admin = identity.GovernanceOf(identity.Directory.Add(Roles.Admin, Roles.Admin, workspace: workspace));
        Assert.Single(await ListAsync(admin, workspace, "?member=all"));
        (
            await admin.DeleteAsync($"workspaces/{workspace}/personal-tokens/{(string)created["id"]!}", Cancellation)
        ).EnsureSuccessStatusCode();
        Assert.Equal(Refusal.Revoked, (await identity.ResolveAsync(secret)).Refusal);
    }

    public static TheoryData<string, string> BadTokens =>
        new()
        {
            { """{"scopes":["workspace:read"]}""", "name" },
            { """{"name":" ","scopes":["workspace:read"]}""", "name" },
            { """{"name":"x"}""", "scopes" },
            { """{"name":"x","scopes":[]}""", "scopes" },
            { """{"name":"x","scopes":["workspace:own"]}""", "scopes" },
            { """{"name":"x","scopes":["workspace:read"],"expiresInDays":0}""", "expiresInDays" },
            { """{"name":"x","scopes":["workspace:read"],"expiresInDays":366}""", "expiresInDays" },
            { """{"name":"x","scopes":["workspace:read"],"forever":true}""", "forever" },
            { """{"name":"a\u0000b","scopes":["workspace:read"]}""", "name" },
            { """{"name":"\ud800","scopes":["workspace:read"]}""", "name" },
            { """{"name":"x","scopes":["workspace:read\u0000"]}""", "scopes" },
            { """{"\ud800":"x"}""", "body" },
            { "[]", "body" },
            { "{", "body" },
        };

    [Theory]
    [MemberData(nameof(BadTokens))]
    public async Task A_bad_field_is_named(string body, string field)
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        var problem = await AssertProblemAsync(
            governance.PostAsync($"workspaces/{member.WorkspaceId}/personal-tokens", content, Cancellation),
            400,
            "INVALID_ARGUMENT"
        );
        Assert.Contains(field, problem["violations"]!.ToJsonString() + problem["detail"], StringComparison.Ordinal);
        Assert.Empty(await ListAsync(governance, member.WorkspaceId));
    }

    [Fact]
    public async Task An_expired_personal_token_is_refused_as_expired()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        var secret = (string)
            (
                await PostAsync(
                    governance,
                    member.WorkspaceId,
                    new
                    {
                        name = "Day",
                        scopes = _oneScope,
                        expiresInDays = 1,
                    }
                )
            )["token"]!;
        identity.Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromMinutes(1));
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(secret)).Refusal);
        identity.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(Refusal.Expired, (await identity.ResolveAsync(secret)).Refusal);
    }

    [Fact]
    public async Task A_personal_token_ends_with_the_membership_and_is_for_its_workspace_alone()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        var secret = (string)(await PostAsync(governance, member.WorkspaceId, _newToken))["token"]!;
        Assert.Equal(Refusal.NoMembership, (await identity.ResolveAsync(secret, Ids.Format("wks", Ids.New()))).Refusal);
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(secret, member.WorkspaceId)).Refusal);
        identity.Directory.Members.TryRemove(member.MemberId, out _);
        Assert.Equal(Refusal.NoMembership, (await identity.ResolveAsync(secret)).Refusal);
    }

    [Fact]
    public async Task An_unknown_personal_token_is_unknown() =>
        Assert.Equal(Refusal.UnknownToken, (await identity.ResolveAsync(PersonalToken.Create())).Refusal);

    [Fact]
    public async Task Last_use_is_kept_to_the_minute()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        var secret = (string)(await PostAsync(governance, member.WorkspaceId, _newToken))["token"]!;
        Assert.Null((await ListAsync(governance, member.WorkspaceId))[0]!["lastUsedAt"]);
        await identity.ResolveAsync(secret);
        await identity.Get<LastUse>().WriteAsync(Cancellation);
        Assert.Equal(
            identity.Now,
            (DateTimeOffset)(await ListAsync(governance, member.WorkspaceId))[0]!["lastUsedAt"]!,
            TimeSpan.FromSeconds(30)
        );
    }

    [Fact]
    public async Task Eight_revocations_at_once_are_one()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        var id = (string)(await PostAsync(governance, member.WorkspaceId, _newToken))["id"]!;
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ => governance.DeleteAsync($"workspaces/{member.WorkspaceId}/personal-tokens/{id}", Cancellation))
        );
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode));
        await using var command = identity.Admin.CreateCommand(
            "select count(*) from platform.outbox where envelope like '%PersonalTokenRevoked%' and envelope like '%' || $1 || '%'"
        );
        command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = id });
        Assert.Equal(1L, await command.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task Me_lists_workspaces_and_roles()
    {
        var member = identity.Directory.Add(Roles.Admin, Roles.Viewer);
        using var governance = identity.GovernanceOf(member);
        var me = (await governance.GetFromJsonAsync<JsonNode>("me", Cancellation))!;
        Assert.Equal(member.WorkspaceId, (string)me["workspaces"]![0]!["id"]!);
        Assert.Equal(
            ["admin", "viewer"],
            me["workspaces"]![0]!["environments"]!.AsArray().Select(environment => (string)environment!["role"]!)
        );
    }

    // A stream that does not know its length.
    private sealed class Chunks(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }

    private static async Task<JsonNode> PostAsync(HttpClient governance, string workspace, object token)
    {
        using var response = await governance.PostAsJsonAsync($"workspaces/{workspace}/personal-tokens", token, Cancellation);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;
    }

    private static async Task<JsonArray> ListAsync(HttpClient governance, string workspace, string query = "") =>
        (await governance.GetFromJsonAsync<JsonNode>($"workspaces/{workspace}/personal-tokens{query}", Cancellation))![
            "personalTokens"
        ]!.AsArray();

    private static async Task<JsonNode> AssertProblemAsync(Task<HttpResponseMessage> call, int status, string reason)
    {
        using var response = await call;
        var problem = (await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;
        Assert.Equal((status, reason), ((int)response.StatusCode, (string)problem["reason"]!));
        Assert.NotEmpty((string)problem["fix"]!);
        return problem;
    }
}
