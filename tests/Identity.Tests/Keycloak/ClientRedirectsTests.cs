using Microsoft.Extensions.Options;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;

namespace Platform.Identity.Tests.Keycloak;

public sealed class ClientRedirectsTests
{
    [Theory]
    [InlineData("https://oauth.example.com/oauth/user/oauthcallback")]
    [InlineData("http://127.0.0.1:4100/callback")]
    [InlineData("http://localhost/callback")]
    [InlineData("windsurf://mcp/callback")]
    public void An_exact_address_is_taken(string address) => Assert.True(Validate("retool", address).Succeeded);

    [Theory]
    [InlineData("http://oauth.example.com/callback", "must be https, or http on loopback")]
    [InlineData("https://oauth.example.com/*", "must be exact")]
    [InlineData("https://oauth.example.com/a/../b", "must be exact")]
    [InlineData("https://oauth.example.com/#here", "must be exact")]
    [InlineData("https://user@oauth.example.com/", "must be exact")]
    [InlineData("oauth.example.com/callback", "must be an absolute URI")]
    [InlineData("javascript://oauth.example.com/%0aalert(1)", "must not have the scheme javascript")]
    public void One_that_a_code_could_go_astray_by_is_named_and_refused(string address, string rule)
    {
        var result = Validate("retool", address);
        var failure = Assert.Single(result.Failures!);
        Assert.StartsWith("Keycloak:Clients:retool:RedirectUris:0 ", failure, StringComparison.Ordinal);
        Assert.Contains(rule, failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("platform-identity")]
    [InlineData("admin-cli")]
    [InlineData("nobody")]
    public void Only_a_client_that_people_consent_to_takes_one(string client)
    {
        var failure = Assert.Single(Validate(client, "https://oauth.example.com/callback").Failures!);
        Assert.Contains($"Keycloak:Clients:{client} is not a client", failure, StringComparison.Ordinal);
        Assert.Contains("retool", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_is_added_once_to_those_of_the_file()
    {
        var file = RealmFile.Load(null, new Dictionary<string, string>());
        file.AddRedirectUris(
            "mistral",
            ["https://chat.example/callback", "https://callback.mistral.ai/v1/integrations_auth/oauth2_callback"]
        );
        file.AddRedirectUris("mistral", ["https://chat.example/callback"]);
        Assert.Equal(
            ["https://callback.mistral.ai/v1/integrations_auth/oauth2_callback", "https://chat.example/callback"],
            file.Json["clients"]!.AsArray().Single(client => (string?)client!["clientId"] == "mistral")!["redirectUris"]!
                .AsArray()
                .Select(uri => (string)uri!)
        );
    }

    [Fact]
    public void The_document_of_the_realm_names_the_source_of_every_address()
    {
        var rows = System.IO.File.ReadAllLines(Path.Combine(LocalServers.LocalServer.Checkout, "identity", "realm", "README.md"));
        var file = RealmFile.Load(null, new Dictionary<string, string>());
        Assert.All(file.ConsentedClientIds, id =>
            Assert.Matches(
                @"^\| `[a-z-]+` \| [^|]+ \| [^|]{15,} \|$",
                rows.Single(row => row.StartsWith($"| `{id}` |", StringComparison.Ordinal))
            )
        );
    }

    private static ValidateOptionsResult Validate(string client, string address) =>
        new ClientRedirects().Validate(
            null,
            new KeycloakOptions { Clients = { [client] = new ClientOptions { RedirectUris = [address] } } }
        );
}
