using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Governance;

namespace Platform.Identity.Tests;

// How long ago the person proved who they are.
public sealed partial class GovernanceTests
{
    [Theory]
    [InlineData("POST", "personal-tokens", true)]
    [InlineData("PUT", "mcp-settings", true)]
    [InlineData("GET", "audit-streams/str_any/signing-secret", true)]
    [InlineData("POST", "audit-streams/str_any/signing-secret/rotate", true)]
    [InlineData("GET", "personal-tokens", false)]
    [InlineData("GET", "mcp-settings", false)]
    [InlineData("GET", "connected-apps", false)]
    [InlineData("DELETE", "connected-apps/claude", false)]
    [InlineData("DELETE", "personal-tokens/tok_any", false)]
    public async Task What_makes_reveals_or_opens_something_needs_a_sign_in_of_the_last_minutes(string method, string path, bool isFresh)
    {
        var subject = Guid.NewGuid().ToString();
        var member = identity.Directory.Add(Roles.Owner);
        identity.Directory.Bound[subject] = [member.MemberId];
        foreach (var (age, refused) in new[] { (FreshSignIn.MaxAge + TimeSpan.FromMinutes(1), isFresh), (TimeSpan.FromMinutes(1), false) })
        {
            using var governance = identity.Governance(identity.Forge.SignForGovernance(subject, identity.Now, identity.Now - age));
            using var request = new HttpRequestMessage(new HttpMethod(method), $"workspaces/{member.WorkspaceId}/{path}")
            {
                Content = method is "POST" or "PUT"
                    ? JsonContent.Create(method == "POST" ? (object)_newToken : new { enabled = true })
                    : null,
            };
            using var response = await governance.SendAsync(request, Cancellation);
            Assert.Equal(refused, response.StatusCode == System.Net.HttpStatusCode.Unauthorized);
            if (refused)
            {
                Assert.Equal("Bearer error=\"insufficient_user_authentication\", max_age=600", response.Headers.WwwAuthenticate.ToString());
                Assert.Equal("SIGN_IN_TOO_OLD", (string)(await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["reason"]!);
            }
        }
    }

    [Fact]
    public async Task A_sign_in_that_is_too_old_for_what_it_asks_is_told_in_the_log_of_the_workspace()
    {
        var subject = Guid.NewGuid().ToString();
        var member = identity.Directory.Add(Roles.Owner);
        identity.Directory.Bound[subject] = [member.MemberId];
        using var governance = identity.Governance(identity.Forge.SignForGovernance(subject, identity.Now, identity.Now.AddHours(-1)));
        await AssertProblemAsync(
            governance.PostAsJsonAsync($"workspaces/{member.WorkspaceId}/personal-tokens", _newToken, Cancellation),
            401,
            "SIGN_IN_TOO_OLD"
        );
        var happened = await identity.Events.WaitAsync(happened => happened.Actor.Id == member.MemberId);
        Assert.Equal(("governance.refused", "SIGN_IN_TOO_OLD"), (happened.Action, happened.Read<GovernanceRefused>().Reason));
    }

    [Fact]
    public async Task A_token_that_does_not_say_when_the_person_signed_in_makes_nothing()
    {
        var subject = Guid.NewGuid().ToString();
        var member = identity.Directory.Add(Roles.Owner);
        identity.Directory.Bound[subject] = [member.MemberId];
        var token = identity.Forge.Sign(subject, identity.Now, "openid", claims =>
        {
            claims["aud"] = "platform-governance";
            claims["azp"] = "platform-governance";
        });
        using var governance = identity.Governance(token);
        await AssertProblemAsync(
            governance.PostAsJsonAsync($"workspaces/{member.WorkspaceId}/personal-tokens", _newToken, Cancellation),
            401,
            "SIGN_IN_TOO_OLD"
        );
    }
}
