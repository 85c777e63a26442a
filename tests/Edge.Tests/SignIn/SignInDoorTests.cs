using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Platform.Edge.Tests.Fixture;
using Platform.Testing;

namespace Platform.Edge.Tests.SignIn;

/// <summary>What of the sign-in server is at the public origin, and what it is told.</summary>
public sealed class SignInDoorTests : IAsyncLifetime
{
    private const string Protocol = "/realms/platform/protocol/openid-connect";

    private const string TokenForm = "Content-Type: application/x-www-form-urlencoded";

    private FakeSignInServer _server = null!;
    private EdgeFixture _edge = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await FakeSignInServer.StartAsync();
        _edge = await _server.StartEdgeAsync(settings: [("Edge:Proxies:0", "127.0.0.1"), ("Edge:Access:RegistrationsPerAddress", "3")]);
    }

    public async ValueTask DisposeAsync()
    {
        await _edge.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("GET", "/realms/platform")]
    [InlineData("GET", Protocol + "/certs")]
    [InlineData("GET", Protocol + "/auth?client_id=mcp-public&scope=a%20b&redirect_uri=http%3A%2F%2F127.0.0.1%2F")]
    [InlineData("POST", Protocol + "/revoke")]
    [InlineData("GET", Protocol + "/userinfo")]
    [InlineData("OPTIONS", Protocol + "/token")]
    [InlineData("GET", Protocol + "/logout?post_logout_redirect_uri=x")]
    [InlineData("GET", Protocol + "/login-status-iframe.html")]
    [InlineData("GET", Protocol + "/login-status-iframe.html/init?client_id=x")]
    [InlineData("POST", "/realms/platform/login-actions/authenticate?session_code=a&execution=b")]
    [InlineData("POST", "/realms/platform/login-actions/consent")]
    [InlineData("GET", "/realms/platform/login-actions/required-action?execution=VERIFY_EMAIL")]
    [InlineData("GET", "/realms/platform/account")]
    [InlineData("PUT", "/realms/platform/account/credentials/1/label")]
    [InlineData("GET", "/resources/a1b2c/login/keycloak.v2/css/styles.css")]
    public async Task What_a_browser_and_a_client_need_is_handed_on_as_it_came(string method, string path)
    {
        using var response = await SendAsync(method, path, method is "POST" or "PUT" ? "username=a&password=b" : null);
        Assert.Equal($"{method} {path}", Assert.Single(_server.Requests));
        Assert.Equal(218, (int)response.StatusCode);
        Assert.Equal(method is "POST" or "PUT" ? "username=a&password=b" : "", await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("SESSION=1; Path=/realms/platform/; Secure", Assert.Single(response.Headers.GetValues("Set-Cookie")));
        Assert.False(response.Headers.Contains("Server"));
    }

    [Theory]
    [InlineData("GET", "/admin/")]
    [InlineData("GET", "/admin/realms/platform/users")]
    [InlineData("GET", "/realms/master")]
    [InlineData("POST", "/realms/master/protocol/openid-connect/token")]
    [InlineData("GET", "/realms/other/protocol/openid-connect/auth")]
    [InlineData("POST", Protocol + "/auth")]
    [InlineData("POST", Protocol + "/auth/device")]
    [InlineData("POST", Protocol + "/ext/par/request")]
    [InlineData("POST", Protocol + "/ext/ciba/auth")]
    [InlineData("POST", Protocol + "/token/introspect")]
    [InlineData("POST", "/realms/platform/clients-registrations/default")]
    [InlineData("GET", "/realms/platform/clients-registrations/openid-connect/some-client")]
    [InlineData("PUT", "/realms/platform/clients-registrations/openid-connect/some-client")]
    [InlineData("GET", "/realms/platform/clients-registrations/install/some-client")]
    [InlineData("GET", "/realms/platform/login-actions/registration")]
    [InlineData("GET", "/realms/platform/broker/somewhere/endpoint")]
    [InlineData("GET", "/realms/platform/protocol/saml")]
    [InlineData("DELETE", "/realms/platform/login-actions/authenticate")]
    [InlineData("POST", "/resources/a1b2c/x")]
    [InlineData("GET", "/resources/..%2f..%2fadmin")]
    [InlineData("GET", "/resources/%2e%2e/admin")]
    [InlineData("GET", "/resources/x;/../../admin")]
    [InlineData("GET", "/realms/platform/account/..%5c..%5cadmin")]
    [InlineData("GET", "/realms/platform/account/..;/..;/admin")]
    [InlineData("GET", "/metrics/keycloak")]
    public async Task Everything_else_is_not_there(string method, string path)
    {
        using var response = await SendAsync(method, path, method is "POST" or "PUT" ? "" : null);
        Assert.True(response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed, $"{response.StatusCode}");
        Assert.Empty(_server.Requests);
        Assert.Empty(_server.Exchanges);
    }

    [Fact]
    public async Task The_server_is_told_who_called_and_where_whatever_the_request_claims()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_edge.Url, Protocol + "/certs"));
        request.Headers.Host = "evil.example";
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        request.Headers.Add("X-Forwarded-Proto", "gopher");
        request.Headers.Add("X-Forwarded-Port", "1");
        request.Headers.Add("Forwarded", "for=1.2.3.4;host=evil.example");
        using var response = await _edge.Http.SendAsync(request, Cancellation);
        Assert.Equal(
            ("203.0.113.9", "mcp.example.test", "https", "443"),
            (
                $"{_server.Headers["X-Forwarded-For"]}",
                $"{_server.Headers["X-Forwarded-Host"]}",
                $"{_server.Headers["X-Forwarded-Proto"]}",
                $"{_server.Headers["X-Forwarded-Port"]}"
            )
        );
        Assert.Equal(new Uri(_server.Url).Authority, $"{_server.Headers.Host}");
        Assert.DoesNotContain(_server.Headers, header => $"{header.Value}".Contains("evil", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("GET", Protocol + "/certs", "Cookie: é\r\n\r\n", 218)]
    [InlineData("GET", Protocol + "/certs", "Content-Type: \u202e\r\n\r\n", 218)]
    [InlineData("POST", Protocol + "/revoke", "User-Agent: é\r\nContent-Length: 3\r\n\r\na=b", 218)]
    [InlineData(
        "POST",
        Protocol + "/token",
        TokenForm + "\r\nAuthorization: é\r\nContent-Length: 29\r\n\r\ngrant_type=authorization_code",
        200
    )]
    public async Task A_header_that_is_not_ASCII_is_handed_on(string method, string path, string rest, int status) =>
        Assert.Equal(status, await SendRawAsync(method, path, rest));

    [Theory]
    [InlineData(Protocol + "/revoke", "Transfer-Encoding: chunked\r\n\r\nzz\r\na=b")]
    [InlineData(Protocol + "/token", TokenForm + "\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\na=b")]
    public async Task A_body_in_chunks_that_are_none_is_not_the_servers_fault(string path, string rest) =>
        Assert.Equal(400, await SendRawAsync("POST", path, rest));

    [Theory]
    [InlineData("Content-Type: chunked\r\nContent-Length: 3\r\n\r\na=b", 400)]
    [InlineData("Content-Type: text/plain;x=é\r\nContent-Length: 3\r\n\r\na=b", 400)]
    [InlineData(TokenForm + "\r\nContent-Type: \r\nContent-Length: 3\r\n\r\na=b", 400)]
    [InlineData(TokenForm + "\r\nContent-Type: B\r\nContent-Length: 3\r\n\r\na=b", 400)]
    [InlineData(TokenForm + "\r\nContent-Length: 5\r\n\r\na=%zz", 400)]
    [InlineData(TokenForm + "\r\nContent-Length: 3\r\n\r\na=%", 400)]
    [InlineData(TokenForm + "\r\nContent-Length: 4\r\n\r\na=%4", 400)]
    [InlineData(TokenForm + ";charset=utf-8\r\nContent-Length: 8\r\n\r\na=%41%20", 218)]
    [InlineData(TokenForm + "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n", 218)]
    public async Task What_a_Keycloak_would_fail_at_does_not_reach_it(string rest, int status)
    {
        Assert.Equal(status, await SendRawAsync("POST", Protocol + "/revoke", rest));
        Assert.Equal(status == 218 ? 1 : 0, _server.Requests.Count);
    }

    private async Task<int> SendRawAsync(string method, string path, string rest)
    {
        var request = $"{method} {path} HTTP/1.1\r\nHost: {_edge.Url.Authority}\r\nConnection: close\r\n{rest}";
        var answer = await Wire.SendAsync(_edge.Url, Encoding.UTF8.GetBytes(request), isCut: false, TimeSpan.FromSeconds(30), Cancellation);
        Assert.Null(answer.Problem);
        return answer.Status;
    }

    [Theory]
    [InlineData("https://evil.example/mcp")]
    [InlineData("https://mcp.example.test.evil.example/mcp")]
    [InlineData("https://mcp.example.test/other")]
    [InlineData("http://mcp.example.test/mcp")]
    [InlineData("https://mcp.example.test:8443/mcp")]
    [InlineData("https://user@mcp.example.test/mcp")]
    [InlineData("https://mcp.example.test/mcp#x")]
    [InlineData("https://mcp.example.test/")]
    [InlineData("nonsense")]
    [InlineData("")]
    public async Task A_token_for_somebody_elses_server_is_not_to_be_had(string resource)
    {
        var query = $"client_id=mcp-public&resource={Uri.EscapeDataString(resource)}";
        foreach (
            var both in new[] { query, $"{query}&resource=https://mcp.example.test/mcp", $"resource=https://mcp.example.test/mcp&{query}" }
        )
        {
            using var page = await SendAsync("GET", $"{Protocol}/auth?{both}");
            Assert.Equal(HttpStatusCode.BadRequest, page.StatusCode);
            Assert.Null(page.Headers.Location);
            Assert.Contains("invalid_target", await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
            using var token = await SendAsync("POST", $"{Protocol}/token", $"grant_type=authorization_code&code=x&{both}");
            Assert.Equal(("invalid_target", 400), (await ErrorAsync(token), (int)token.StatusCode));
        }

        Assert.Empty(_server.Requests);
        Assert.Empty(_server.Exchanges);
    }

    [Theory]
    [InlineData("https://mcp.example.test/mcp")]
    [InlineData("https://mcp.example.test/mcp/")]
    [InlineData("https://MCP.example.test:443/mcp?toolsets=all&readOnly=true")]
    public async Task The_edges_own_url_is_one_resource_with_every_query_and_the_server_is_not_asked_about_it(string resource)
    {
        using var page = await SendAsync("GET", $"{Protocol}/auth?resource={Uri.EscapeDataString(resource)}");
        Assert.Equal(218, (int)page.StatusCode);
        using var token = await SendAsync(
            "POST",
            $"{Protocol}/token",
            $"grant_type=authorization_code&resource={Uri.EscapeDataString(resource)}"
        );
        Assert.Equal(HttpStatusCode.OK, token.StatusCode);
        Assert.DoesNotContain("resource", Assert.Single(_server.Requests), StringComparison.Ordinal);
        Assert.Equal("grant_type=authorization_code", Assert.Single(_server.Exchanges));
    }

    [Theory]
    [InlineData("request=eyJhbGciOiJub25lIn0.e30.", "request_not_supported")]
    [InlineData("request_uri=https%3A%2F%2F127.0.0.1%3A1%2F", "request_uri_not_supported")]
    public async Task What_is_asked_for_is_in_the_query_alone(string query, string error)
    {
        using var page = await SendAsync("GET", $"{Protocol}/auth?client_id=mcp-public&{query}");
        Assert.Equal(HttpStatusCode.BadRequest, page.StatusCode);
        Assert.Contains(error, await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData("grant_type=client_credentials", "unsupported_grant_type")]
    [InlineData("grant_type=password&username=a&password=b", "unsupported_grant_type")]
    [InlineData("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code", "unsupported_grant_type")]
    [InlineData("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange", "unsupported_grant_type")]
    [InlineData("grant_type=refresh_token&grant_type=client_credentials", "invalid_request")]
    [InlineData("", "invalid_request")]
    public async Task Tokens_are_for_peoples_sign_ins_alone(string form, string error)
    {
        using var refused = await SendAsync("POST", $"{Protocol}/token", form);
        Assert.Equal((error, 400), (await ErrorAsync(refused), (int)refused.StatusCode));
        using var json = await _edge.Http.PostAsJsonAsync(
            new Uri(_edge.Url, $"{Protocol}/token"),
            new { grant_type = "refresh_token" },
            Cancellation
        );
        Assert.Equal(("invalid_request", 400), (await ErrorAsync(json), (int)json.StatusCode));
        using var large = await SendAsync("POST", $"{Protocol}/token", "grant_type=refresh_token&x=" + new string('x', 70_000));
        Assert.Equal(("invalid_request", 400), (await ErrorAsync(large), (int)large.StatusCode));
        Assert.Empty(_server.Exchanges);
    }

    [Theory]
    [InlineData("/realms/platform/.well-known/openid-configuration")]
    [InlineData("/realms/platform/.well-known/oauth-authorization-server")]
    [InlineData("/.well-known/oauth-authorization-server/realms/platform")]
    [InlineData("/.well-known/oauth-authorization-server")]
    public async Task The_metadata_names_what_is_served_and_nothing_else(string path)
    {
        using var response = await SendAsync("GET", path);
        var metadata = (await response.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!;
        Assert.Equal(FakeSignInServer.Issuer, (string)metadata["issuer"]!);
        Assert.Equal(["authorization_code", "refresh_token"], metadata["grant_types_supported"]!.AsArray().Select(grant => (string)grant!));
        Assert.Equal(["S256"], metadata["code_challenge_methods_supported"]!.AsArray().Select(method => (string)method!));
        Assert.Contains("none", metadata["token_endpoint_auth_methods_supported"]!.AsArray().Select(method => (string)method!));
        Assert.DoesNotContain(metadata, member =>
            member.Key.Contains("device", StringComparison.Ordinal) || member.Key.StartsWith("pushed", StringComparison.Ordinal)
        );
        Assert.Equal("*", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task A_registration_goes_to_identity_and_one_address_has_its_share()
    {
        for (var i = 0; i < 3; i++)
        {
            using var taken = await RegisterAsync("{}");
            Assert.Equal(218, (int)taken.StatusCode);
        }

        Assert.All(_server.Requests, request => Assert.Equal("POST /registered-clients", request));
        using var refused = await RegisterAsync("{}");
        Assert.Equal((HttpStatusCode.TooManyRequests, "temporarily_unavailable"), (refused.StatusCode, await ErrorAsync(refused)));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
        using var another = await RegisterAsync("{}", "203.0.113.7");
        Assert.Equal(218, (int)another.StatusCode);
        using var large = await RegisterAsync(new string(' ', 17_000), "203.0.113.8");
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "invalid_client_metadata"), (large.StatusCode, await ErrorAsync(large)));
    }

    [Fact]
    public async Task While_the_server_is_away_people_and_programs_are_told_and_the_metadata_stays()
    {
        using (var known = await SendAsync("GET", "/.well-known/oauth-authorization-server"))
        {
            Assert.Equal(HttpStatusCode.OK, known.StatusCode);
        }

        await _server.DisposeAsync();
        using var page = await SendAsync("GET", $"{Protocol}/auth?client_id=x", accept: "text/html");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        Assert.Contains("does not answer at the moment", await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        using var token = await SendAsync("POST", $"{Protocol}/token", "grant_type=authorization_code");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "temporarily_unavailable"), (token.StatusCode, await ErrorAsync(token)));
        using var registration = await RegisterAsync("{}");
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "temporarily_unavailable"),
            (registration.StatusCode, await ErrorAsync(registration))
        );
        using var metadata = await SendAsync("GET", "/.well-known/oauth-authorization-server");
        Assert.Equal(HttpStatusCode.OK, metadata.StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, string? form = null, string? accept = null)
    {
        // As it is written: the client's own class would resolve the path first.
        using var request = new HttpRequestMessage(
            new HttpMethod(method),
            new Uri(
                _edge.Url.GetLeftPart(UriPartial.Authority) + path,
                new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }
            )
        );
        if (form is not null)
        {
            request.Content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded");
        }

        if (accept is not null)
        {
            request.Headers.Add("Accept", accept);
        }

        return await _edge.Http.SendAsync(request, Cancellation);
    }

    private async Task<HttpResponseMessage> RegisterAsync(string body, string address = "203.0.113.6")
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri(_edge.Url, "/realms/platform/clients-registrations/openid-connect")
        )
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("X-Forwarded-For", address);
        return await _edge.Http.SendAsync(request, Cancellation);
    }

    private static async Task<string?> ErrorAsync(HttpResponseMessage response) =>
        (string?)(await response.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["error"];
}
