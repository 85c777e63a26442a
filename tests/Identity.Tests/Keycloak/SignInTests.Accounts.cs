using System.Net;
using Platform.Contracts;
using Platform.Identity.Service.Joining;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Tests.Keycloak;

public abstract partial class SignInTests
{
    [Theory]
    [InlineData("ada+{0}@example.com", "Ada Lovelace")]
    [InlineData("o'hara&co-{0}@example.com", "Ürsula")] // Keycloak takes no such user name.
    public async Task Who_has_proved_an_address_gets_an_account_and_signs_in_to_their_membership(string pattern, string name)
    {
        var email = string.Format(null, pattern, Guid.NewGuid().ToString("N")[..8]);
        var member = identity.Directory.Add(Roles.Viewer, email: email);
        var asked = await CreateAsync(email, "", "");
        Assert.Equal(AccountOutcome.PasswordNeeded, asked.Outcome);
        Assert.Equal(["At least 12 characters.", "At most 128 characters.", "It must not be your e-mail address."], asked.PasswordRules);
        Assert.Equal(AccountOutcome.Created, (await CreateAsync(email, name, Password)).Outcome);
        var again = await CreateAsync(email, "", "");
        Assert.Equal((AccountOutcome.Exists, name), (again.Outcome, again.Name));

        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        var tokens = await client.SignInAsync("workspace:read", email, Password);
        var caller = (await identity.ResolveAsync((string)tokens["access_token"]!)).Caller;
        Assert.Equal((member.MemberId, Roles.Viewer), (caller.MemberId, caller.Environment.Role));
    }

    [Fact]
    public async Task An_account_that_is_there_is_never_changed()
    {
        using var admin = server.Admin();
        var before = (await admin.GetAsync($"users/{_user.Subject}", Cancellation))!.ToJsonString();
        foreach (var email in new[] { _user.Email!, _user.Email!.ToUpperInvariant(), _username })
        {
            Assert.Equal(AccountOutcome.Exists, (await CreateAsync(email, "Eve Example", "another horse battery")).Outcome);
            Assert.Equal(AccountOutcome.Exists, (await CreateAsync(email, "", "")).Outcome);
        }

        Assert.Equal(before, (await admin.GetAsync($"users/{_user.Subject}", Cancellation))!.ToJsonString());
        using var thief = new OAuthClient(Issuer, "mcp-public", Redirect);
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() =>
            thief.SignInAsync("workspace:read", _username, "another horse battery")
        );
        using var owner = new OAuthClient(Issuer, "mcp-public", Redirect);
        Assert.NotNull((await owner.SignInAsync("workspace:read", _username, Password))["access_token"]);
    }

    [Fact]
    public async Task What_the_realm_refuses_leaves_no_account_and_says_why()
    {
        var email = $"{Guid.NewGuid():N}@example.com";
        foreach (var password in new[] { "short", email, new string('x', 129) })
        {
            var refused = await CreateAsync(email, "Ada Example", password);
            Assert.Equal(AccountOutcome.PasswordRefused, refused.Outcome);
            Assert.Contains("At least 12 characters.", refused.PasswordRules);
        }

        foreach (var name in new[] { "", "<script> x", "Ada [x]" })
        {
            Assert.Equal(AccountOutcome.NameRefused, (await CreateAsync(email, name, Password)).Outcome);
        }

        using var admin = server.Admin();
        Assert.Null(await new KeycloakUsers(admin).FindByAddressAsync(email, Cancellation));
    }

    [Fact]
    public async Task Of_eight_at_once_one_makes_the_account_and_its_password_is_the_one_that_counts()
    {
        var email = $"{Guid.NewGuid():N}@example.com";
        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(async i => (i, (await CreateAsync(email, "Ada Example", $"{Password} {i}")).Outcome))
        );
        Assert.Equal(7, outcomes.Count(made => made.Outcome == AccountOutcome.Exists));
        var winner = Assert.Single(outcomes, made => made.Outcome == AccountOutcome.Created);
        using var client = new OAuthClient(Issuer, "mcp-public", Redirect);
        Assert.NotNull((await client.SignInAsync("workspace:read", email, $"{Password} {winner.i}"))["access_token"]);
    }

    [Fact]
    public async Task Without_an_invitation_nobody_gets_an_account_and_strangers_cannot_register()
    {
        var email = $"{Guid.NewGuid():N}@example.com";
        foreach (var token in new[] { "", "x", new string('A', 43) })
        {
            using var http = identity.CreateHttpClient();
            using var form = new FormUrlEncodedContent(
                new Dictionary<string, string>
                {
                    ["token"] = token,
                    ["username"] = email,
                    ["name"] = "Eve",
                    ["password"] = Password,
                    ["again"] = Password,
                }
            );
            using var refused = await http.PostAsync(new Uri("/join", UriKind.Relative), form, Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        using var admin = server.Admin();
        Assert.Null(await new KeycloakUsers(admin).FindByAddressAsync(email, Cancellation));
        Assert.False((bool)(await admin.GetAsync("", Cancellation))!["registrationAllowed"]!);
    }

    private Task<AccountAnswer> CreateAsync(string email, string name, string password) =>
        identity.Get<JoinAccounts>().EnsureAsync(email, new ChosenAccount(name, password), Cancellation);
}
