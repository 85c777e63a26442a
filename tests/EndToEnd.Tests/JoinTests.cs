using System.Net;
using System.Text.RegularExpressions;
using Platform.Demo;

namespace Platform.EndToEnd.Tests;

/// <summary>
/// With the genuine Keycloak where there is one. <see cref="EmbeddedRealmTests"/> does the same with the embedded realm.
/// </summary>
[Collection(TheSuite.Name)]
public sealed partial class JoinTests(RunningSuite suite)
{
    [Fact]
    public Task Somebody_without_an_account_is_invited_joins_and_signs_in() => JoinAsync(suite, TestContext.Current.CancellationToken);

    /// <summary>From the invitation to the first call, by nothing but the mail and the pages that it leads to.</summary>
    internal static async Task JoinAsync(RunningSuite suite, CancellationToken cancellationToken)
    {
        var issuer = suite.RequireIssuer();
        var email = $"{Guid.NewGuid():n}@people.example";
        const string Password = "a password of my own";
        using var owner = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token);
        var invited = await owner.CallUntilAnsweredAsync(
            "invite_members",
            new { invitations = new[] { new { email } }, role = "editor" },
            cancellationToken
        );
        Assert.False(invited.TryGetProperty("isError", out var failed) && failed.GetBoolean(), invited.GetRawText());
        var link = new Uri(Link().Match(await suite.Mailbox.ReadAsync(email)).Value);

        using var browser = new HttpClient();
        var token = link.Query["?token=".Length..];
        Assert.Contains(email, await browser.GetStringAsync(link, cancellationToken), StringComparison.Ordinal);
        var (status, page) = await SendAsync(new() { ["token"] = token });
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("At least 12 characters.", page, StringComparison.Ordinal);
        (status, page) = await SendAsync(
            new()
            {
                ["token"] = token,
                ["name"] = "Ada Lovelace",
                ["password"] = "short",
                ["again"] = "short",
            }
        );
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("not allowed", page, StringComparison.Ordinal);
        (status, page) = await SendAsync(
            new()
            {
                ["token"] = token,
                ["name"] = "Ada Lovelace",
                ["password"] = Password,
                ["again"] = Password,
            }
        );
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("the password that you chose", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Gone, (await SendAsync(new() { ["token"] = token })).Status);

        var access = await AuthorizationCode.SignInAsync(
            issuer,
            "mcp-public",
            "workspace:read",
            new DemoMember("editor", email, Password, ""),
            cancellationToken
        );
        using var agent = new RawCalls(suite.Endpoints.Mcp, access);
        var member = (await agent.CallAsync("whoami", new { })).GetProperty("structuredContent").GetProperty("member");
        Assert.Equal("editor", member.GetProperty("role").GetString());
        Assert.Contains("Ada Lovelace", member.GetRawText(), StringComparison.Ordinal);

        async Task<(HttpStatusCode Status, string Page)> SendAsync(Dictionary<string, string> fields)
        {
            using var form = new FormUrlEncodedContent(fields);
            using var answer = await browser.PostAsync(new Uri(link, link.AbsolutePath), form, cancellationToken);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken));
        }
    }

    [GeneratedRegex(@"http\S+/join\?token=[\w-]{43}")]
    private static partial Regex Link();
}
