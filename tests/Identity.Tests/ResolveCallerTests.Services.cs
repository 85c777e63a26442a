using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Testing;

namespace Platform.Identity.Tests;

// Who may ask.
public sealed partial class ResolveCallerTests
{
    private static readonly string[] _scopes = ["workspace:read"];

    [Fact]
    public async Task Nobody_but_the_edge_is_told_whom_a_token_belongs_to()
    {
        identity.Directory.Add(Roles.Viewer, subject: "told");
        var request = new ResolveCallerRequest { AccessToken = identity.Forge.Sign("told", identity.Now) };
        var alone = await identity.Callers.ResolveCallerAsync(request, cancellationToken: Cancellation).ProblemAsync();
        Assert.Equal("UNAUTHENTICATED", alone.Reason);
        foreach (var service in new[] { "audit", "data", "identity", "" })
        {
            var refused = await identity.Callers.ResolveCallerAsync(request, identity.As(TestCaller.AsService(service))).ProblemAsync();
            Assert.Equal("PERMISSION_DENIED", refused.Reason);
        }

        // The assertion that a caller's tool call goes with opens nothing here either.
        var agent = await identity.Callers.ResolveCallerAsync(request, identity.As(new TestCaller())).ProblemAsync();
        Assert.Equal("PERMISSION_DENIED", agent.Reason);
    }

    [Fact]
    public async Task What_is_stored_of_a_token_is_no_token()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        using var created = await governance.PostAsJsonAsync(
            $"workspaces/{member.WorkspaceId}/personal-tokens",
            new { name = "Laptop", scopes = _scopes },
            Cancellation
        );
        var secret = (string)(await created.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["token"]!;
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(secret)).Refusal);
        await using var stored = identity.Admin.CreateCommand("select hash, hint from identity.personal_token where workspace_id = $1");
        stored.Parameters.Add(new() { Value = Ids.TryParse("wks", member.WorkspaceId, out var id) ? id : Guid.Empty });
        await using var row = await stored.ExecuteReaderAsync(Cancellation);
        Assert.True(await row.ReadAsync(Cancellation));
        var hash = (byte[])row[0];
        foreach (var presented in new[] { Convert.ToHexStringLower(hash), Convert.ToBase64String(hash), (string)row[1] })
        {
            var request = new ResolveCallerRequest { PersonalToken = presented };
            var answer = await identity.Callers.ResolveCallerAsync(request, identity.AsTheEdge());
            Assert.Equal(Refusal.UnknownToken, answer.Refusal);
        }
    }

    [Fact]
    public async Task A_service_with_its_secret_gets_an_assertion_and_nobody_else_does()
    {
        var request = new IssueServiceAssertionRequest
        {
            Service = "audit",
            Secret = "audit's secret",
            Audience = "directory",
            OnBehalfOf = "mbr_x",
        };
        var claims = await ValidateAsync(
            (await identity.Callers.IssueServiceAssertionAsync(request, cancellationToken: Cancellation)).Assertion,
            "directory"
        );
        Assert.Equal("audit", claims["svc"]);
        Assert.Equal("mbr_x", claims["on_behalf_of"]);
        foreach (var (service, secret) in new[] { ("audit", "wrong"), ("audit", ""), ("data", ""), ("nobody", ""), ("audit:Secret", "x") })
        {
            var problem = await identity
                .Callers.IssueServiceAssertionAsync(
                    new()
                    {
                        Service = service,
                        Secret = secret,
                        Audience = "directory",
                    },
                    cancellationToken: Cancellation
                )
                .ProblemAsync();
            Assert.Equal("UNAUTHENTICATED", problem.Reason);
        }
    }
}
