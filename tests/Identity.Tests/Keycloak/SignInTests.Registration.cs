using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Registration;

namespace Platform.Identity.Tests.Keycloak;

// Clients that register themselves (RFC 7591).
public abstract partial class SignInTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("workspace:read directory:read")]
    [InlineData("openid profile email")]
    [InlineData(
        "openid workspace:read databases.records:read databases.records:write databases.records:delete "
            + "databases.schema:write databases.schema:delete directory:read directory:write directory:delete audit:read offline_access"
    )]
    public async Task A_client_that_registers_itself_signs_in_on_any_port_and_can_step_up(string? scope)
    {
        var body = Body("http://127.0.0.1:41000/callback");
        if (scope is not null)
        {
            body["scope"] = scope;
        }

        var registered = await RegisterAsync(body);
        Assert.Equal((scope, "none"), ((string?)registered["scope"], (string?)registered["token_endpoint_auth_method"]));
        Assert.Equal(["http://127.0.0.1:41000/callback"], registered["redirect_uris"]!.AsArray().Select(uri => (string)uri!));

        using var client = new OAuthClient(Issuer, (string)registered["client_id"]!, "http://127.0.0.1:42000/callback");
        var tokens = await client.SignInAsync("workspace:read directory:read", _username, Password);
        Assert.Equal(_member.MemberId, (await identity.ResolveAsync((string)tokens["access_token"]!)).Caller.MemberId);
        Assert.NotEmpty(client.Browser.ConsentLines);
        var claims = OAuthClient.Claims(await client.SignInAsync("workspace:read directory:read audit:write", _username, Password));
        Assert.Contains("audit:write", ((string)claims["scope"]!).Split(' '));
        Assert.Equal(["Administration: decide where the audit log is sent"], client.Browser.ConsentLines);
        Assert.NotNull((await client.SignInAsync("openid profile email workspace:read", _username, Password))["access_token"]);
    }

    // What the clients send, from their sources and from what was seen on the wire.
    [Theory]
    [InlineData(
        "VS Code",
        """
            {"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com",
             "grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],
             "redirect_uris":["https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://localhost/","http://127.0.0.1/",
             "http://localhost:33418/","http://127.0.0.1:33418/"],"token_endpoint_auth_method":"none","application_type":"native"}
            """,
        "http://127.0.0.1:50001/"
    )]
    [InlineData(
        "Cursor",
        """
            {"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","http://localhost:8787/callback",
             "https://www.cursor.com/agents/mcp/oauth/callback"],"grant_types":["authorization_code","refresh_token"],
             "response_types":["code"],"token_endpoint_auth_method":"none"}
            """,
        "cursor://anysphere.cursor-mcp/oauth/callback"
    )]
    [InlineData(
        "MCP Inspector",
        """
            {"redirect_uris":["http://localhost:6274/oauth/callback"],"token_endpoint_auth_method":"none",
             "grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"MCP Inspector",
             "client_uri":"https://github.com/modelcontextprotocol/inspector","scope":""}
            """,
        "http://localhost:6274/oauth/callback"
    )]
    [InlineData(
        "mcp-remote",
        """
            {"client_name":"MCP CLI Proxy","client_uri":"https://github.com/modelcontextprotocol/mcp-cli",
             "redirect_uris":["http://localhost:3334/oauth/callback"],"token_endpoint_auth_method":"none",
             "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
             "software_id":"2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
             "software_version":"0.1.29"}
            """,
        "http://localhost:3335/oauth/callback"
    )]
    [InlineData(
        "OpenCode",
        """
            {"redirect_uris":["http://127.0.0.1:19876/mcp/oauth/callback"],"client_name":"OpenCode","client_uri":"https://opencode.ai",
             "grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}
            """,
        "http://127.0.0.1:19876/mcp/oauth/callback"
    )]
    [InlineData(
        "a client on IPv6",
        """{"redirect_uris":["http://[::1]:5000/callback"],"token_endpoint_auth_method":"none"}""",
        "http://[::1]:5001/callback"
    )]
    [InlineData(
        "a hosted agent",
        """{"redirect_uris":["https://agents.example.com/cb"],"token_endpoint_auth_method":"none"}""",
        "https://agents.example.com/cb"
    )]
    [InlineData("an application", """{"redirect_uris":["zed://auth/cb"],"token_endpoint_auth_method":"none"}""", "zed://auth/cb")]
    public async Task What_genuine_clients_send_is_registered_and_signs_in(string who, string body, string redirect)
    {
        var registered = await RegisterAsync(JsonNode.Parse(body)!);
        Assert.True(registered["client_id"] is not null, $"{who}: {registered.ToJsonString()}");
        Assert.Equal(["authorization_code", "refresh_token"], registered["grant_types"]!.AsArray().Select(grant => (string)grant!));
        using var client = new OAuthClient(Issuer, (string)registered["client_id"]!, redirect);
        var tokens = await client.SignInAsync("workspace:read", _username, Password);
        Assert.Equal(RealmServer.EdgeUrl, (string)OAuthClient.Claims(tokens)["aud"]!);
    }

    [Theory]
    [InlineData("https://elsewhere.example/callback", "invalid_redirect_uri", "Keycloak:RedirectHosts")]
    [InlineData("http://elsewhere.example/callback", "invalid_redirect_uri", "must be https")]
    [InlineData("https://agents.example.com.elsewhere.example/", "invalid_redirect_uri", "Keycloak:RedirectHosts")]
    [InlineData("https://user@agents.example.com/", "invalid_redirect_uri", "must be exact")]
    [InlineData("http://127.0.0.1/*", "invalid_redirect_uri", "must be exact")]
    [InlineData("*", "invalid_redirect_uri", "must be an absolute URI")]
    [InlineData("javascript:alert(1)", "invalid_redirect_uri", "must be an absolute URI")]
    [InlineData("javascript://127.0.0.1/%0aalert(1)", "invalid_redirect_uri", "must not have the scheme")]
    [InlineData("elsewhere://callback", "invalid_redirect_uri", "Keycloak:RedirectSchemes")]
    public async Task A_client_that_would_send_codes_elsewhere_cannot_register(string redirect, string error, string rule)
    {
        var refused = await RegisterAsync(Body(Redirect, redirect), HttpStatusCode.BadRequest);
        Assert.Equal(error, (string)refused["error"]!);
        Assert.StartsWith("redirect_uris[1] ", (string)refused["error_description"]!, StringComparison.Ordinal);
        Assert.Contains(rule, (string)refused["error_description"]!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jwks_uri", "\"https://127.0.0.1:1/keys\"")]
    [InlineData("sector_identifier_uri", "\"https://127.0.0.1:1/\"")]
    [InlineData("request_uris", "[\"https://127.0.0.1:1/\"]")]
    [InlineData("backchannel_logout_uri", "\"https://127.0.0.1:1/\"")]
    [InlineData("attributes", "{\"access.token.lifespan\":\"604800\"}")]
    [InlineData("webOrigins", "[\"*\"]")]
    [InlineData("software_statement", "\"e30.e30.\"")]
    [InlineData("grant_types", "[\"client_credentials\"]")]
    [InlineData("grant_types", "[\"urn:ietf:params:oauth:grant-type:device_code\"]")]
    [InlineData("grant_types", "\"authorization_code\"")]
    [InlineData("response_types", "[\"token\"]")]
    [InlineData("token_endpoint_auth_method", "\"private_key_jwt\"")]
    [InlineData("scope", "\"administration\"")]
    [InlineData("scope", "7")]
    [InlineData("client_name", "{}")]
    [InlineData("client_name", "\"a\\u0000b\"")]
    [InlineData("client_name", null)]
    [InlineData("redirect_uris", "[]")]
    [InlineData("redirect_uris", "[7]")]
    [InlineData("redirect_uris", null)]
    public async Task What_a_client_may_not_say_is_named_and_nothing_is_registered(string member, string? value)
    {
        var before = await CountAsync();
        var body = Body(Redirect);
        body[member] =
            value is not null ? JsonNode.Parse(value)
            : member == "client_name" ? new string('x', 101)
            : new JsonArray([.. Enumerable.Range(1, 21).Select(i => (JsonNode)$"http://127.0.0.1/{i}")]);
        var refused = await RegisterAsync(body, HttpStatusCode.BadRequest);
        Assert.Contains(member, (string)refused["error_description"]!, StringComparison.Ordinal);
        Assert.Equal(before, await CountAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{\"client_name\":\"a\",\"client_name\":\"b\"}")]
    [InlineData("{\"redirect_uris\":")]
    [InlineData("{\"client_name\":\"\\ud800\",\"redirect_uris\":[\"http://127.0.0.1/\"]}")]
    public async Task What_is_no_registration_is_refused_as_one(string body)
    {
        using var http = identity.CreateHttpClient();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri(ClientRegistration.Path, UriKind.Relative), content, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("invalid_client_metadata", (string)(await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["error"]!);
    }

    [Fact]
    public async Task A_client_with_a_secret_needs_it_and_can_do_nothing_without_a_person()
    {
        var body = Body(Redirect);
        body["token_endpoint_auth_method"] = "client_secret_post";
        var registered = await RegisterAsync(body);
        var (id, secret) = ((string)registered["client_id"]!, (string)registered["client_secret"]!);
        using var client = new OAuthClient(Issuer, id, Redirect);
        var (callback, verifier) = await client.AuthorizeAsync("workspace:read", _username, Password);
        Assert.Contains("client", (string)(await client.ExchangeAsync(callback["code"], verifier))["error"]!, StringComparison.Ordinal);

        using var alone = await client.PostAsync("token", new() { ["grant_type"] = "client_credentials", ["client_secret"] = secret });
        Assert.False(alone.IsSuccessStatusCode);
        using var device = await client.PostAsync("auth/device", new() { ["client_secret"] = secret });
        Assert.False(device.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_client_that_nobody_signs_in_with_goes_after_a_day_and_one_in_use_stays()
    {
        var (unused, used, idle) = (
            (string)(await RegisterAsync(Body(Redirect)))["client_id"]!,
            (string)(await RegisterAsync(Body(Redirect)))["client_id"]!,
            (string)(await RegisterAsync(Body(Redirect)))["client_id"]!
        );
        using var client = new OAuthClient(Issuer, used, Redirect);
        await identity.ResolveAsync((string)(await client.SignInAsync("workspace:read", _username, Password))["access_token"]!);
        await identity.Get<Service.PersonalTokens.LastUse>().WriteAsync(Cancellation);
        await using (
            var move = identity.Admin.CreateCommand(
                "update identity.registered_client set registered_at = registered_at - interval '25 hours'"
            )
        )
        {
            await move.ExecuteNonQueryAsync(Cancellation);
        }

        await using (
            var move = identity.Admin.CreateCommand(
                $"update identity.registered_client set last_used_at = registered_at - interval '90 days' where client_id = '{idle}'"
            )
        )
        {
            await move.ExecuteNonQueryAsync(Cancellation);
        }

        await identity.Get<RegisteredClients>().ReconciledAsync(Cancellation);

        using var admin = server.Admin();
        Assert.Empty(await admin.ListAsync($"clients?clientId={unused}", Cancellation));
        Assert.Empty(await admin.ListAsync($"clients?clientId={idle}", Cancellation));
        Assert.Single(await admin.ListAsync($"clients?clientId={used}", Cancellation));
        Assert.NotNull((await client.SignInAsync("workspace:read", _username, Password))["access_token"]);
    }

    [Fact]
    public async Task Whoever_registers_without_end_takes_the_place_of_nobody_but_unused_clients()
    {
        var first = (string)(await RegisterAsync(Body(Redirect)))["client_id"]!;
        await using (
            var fill = identity.Admin.CreateCommand(
                $"""
                insert into identity.registered_client (client_id, registered_at, last_used_at)
                select 'flood-' || i, now() + interval '1 minute', null from generate_series(1, {RegisteredClients.MaxUnused}) i
                union all select 'in use', now() - interval '80 days', now()
                """
            )
        )
        {
            await fill.ExecuteNonQueryAsync(Cancellation);
        }

        try
        {
            await RegisterAsync(Body(Redirect));
            using var admin = server.Admin();
            Assert.Empty(await admin.ListAsync($"clients?clientId={first}", Cancellation));
            Assert.Equal(1L, await CountAsync("client_id = 'in use'"));
        }
        finally
        {
            await using var clear = identity.Admin.CreateCommand(
                "delete from identity.registered_client where client_id like 'flood-%' or client_id = 'in use'"
            );
            await clear.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    [Theory]
    [InlineData("""{"\ud800":1,"redirect_uris":["http://127.0.0.1/callback"]}""")]
    [InlineData("""{"redirect_uris":["http://127.0.0.1/callback"],"\udc00":1,"client_name\ud800":2}""")]
    [InlineData("""{"redirect_uris":["http://127.0.0.1/callback"],"redirect_uris":[]}""")]
    [InlineData("{")]
    public async Task What_is_no_client_metadata_is_refused_as_such(string body)
    {
        using var http = identity.CreateHttpClient();
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri(ClientRegistration.Path, UriKind.Relative), content, Cancellation);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!;
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_client_metadata"), (response.StatusCode, (string?)answer["error"]));
    }

    [Theory]
    [InlineData("http://localhost:6274", true)]
    [InlineData("https://claude.ai", true)]
    [InlineData("https://elsewhere.example", false)]
    [InlineData("null", false)]
    public async Task A_page_may_register_a_client_that_could_be_answered_there(string origin, bool allowed)
    {
        using var http = identity.CreateHttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Options, new Uri(ClientRegistration.Path, UriKind.Relative));
        request.Headers.Add("Origin", origin);
        using var response = await http.SendAsync(request, Cancellation);
        Assert.Equal(allowed, response.Headers.TryGetValues("Access-Control-Allow-Origin", out var told) && told.Single() == origin);
    }

    private static JsonObject Body(params string[] redirects) =>
        new()
        {
            ["client_name"] = "A client",
            ["redirect_uris"] = new JsonArray([.. redirects]),
            ["grant_types"] = new JsonArray("authorization_code", "refresh_token"),
            ["response_types"] = new JsonArray("code"),
            ["token_endpoint_auth_method"] = "none",
        };

    private async Task<JsonNode> RegisterAsync(JsonNode body, HttpStatusCode status = HttpStatusCode.Created)
    {
        using var http = identity.CreateHttpClient();
        using var response = await http.PostAsJsonAsync(new Uri(ClientRegistration.Path, UriKind.Relative), body, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == status, $"{(int)response.StatusCode}: {text}");
        Assert.True(response.Headers.CacheControl!.NoStore);
        return JsonNode.Parse(text)!;
    }

    private async Task<long> CountAsync(string where = "true")
    {
        await using var count = identity.Admin.CreateCommand($"select count(*) from identity.registered_client where {where}");
        return (long)(await count.ExecuteScalarAsync(Cancellation))!;
    }
}
