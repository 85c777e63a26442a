using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.Native.Servers;

namespace Platform.Hosting.Tests;

public sealed class KeycloakAndDashboardTests : IDisposable
{
    private readonly Folder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Keycloak_imports_its_realm_names_one_issuer_and_listens_on_loopback_only()
    {
        var reasons = new List<string>();
        var home = await KeycloakServer.FindHomeAsync(Checkout(), reasons.Add, Token);
        Assert.SkipWhen(home is null, string.Join(' ', reasons));
        Directory.CreateDirectory(_folder["realms"]);
        await File.WriteAllTextAsync(_folder["realms/trial.json"],
            """{ "realm": "trial", "enabled": true, "displayName": "${TRIAL_NAME}" }""", Token);

        int process;
        await using (var server = await KeycloakServer.StartAsync(new KeycloakOptions
        {
            Home = home!,
            DataDirectory = _folder["keycloak"],
            Imports = [_folder["realms"]],
            Environment = new Dictionary<string, string> { ["TRIAL_NAME"] = "A trial" },
            AdminPassword = "admin-password",
        }, Token))
        {
            process = server.ProcessId;
            using var client = new HttpClient();
            using var request = new HttpRequestMessage(HttpMethod.Get,
                $"http://127.0.0.1:{server.Port}/realms/trial/.well-known/openid-configuration");
            request.Headers.Host = "evil.example";
            using var answer = await client.SendAsync(request, Token);
            var metadata = (await answer.Content.ReadFromJsonAsync<JsonObject>(Token))!;
            Assert.Equal($"{server.Url}/realms/trial", metadata["issuer"]!.GetValue<string>());

            using var form = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "password",
                ["client_id"] = "admin-cli",
                ["username"] = "admin",
                ["password"] = "admin-password",
            });
            using var token = await client.PostAsync(new Uri($"{server.Url}/realms/master/protocol/openid-connect/token"), form, Token);
            Assert.Equal(HttpStatusCode.OK, token.StatusCode);

            var listeners = Processes.OfSession(server.ProcessId).SelectMany(Processes.ListenAddresses).ToList();
            Assert.NotEmpty(listeners);
            Assert.All(listeners, l => Assert.Contains(l, (string[])["0100007F", "0000000000000000FFFF00000100007F"]));
        }

        await ChildProcessTests.GoneAsync(process);
    }

    [Fact]
    public async Task The_embedded_realm_imports_its_realm_names_one_issuer_listens_on_loopback_only_and_survives_a_crash()
    {
        var program = RealmServer.FindProgram(Checkout());
        Assert.SkipWhen(program is null, "The embedded realm is not built: native/prepare does that.");
        Directory.CreateDirectory(_folder["realms"]);
        await File.WriteAllTextAsync(_folder["realms/trial.json"],
            """{ "realm": "trial", "enabled": true, "displayName": "${TRIAL_NAME}" }""", Token);
        var options = new RealmOptions
        {
            Program = program!,
            DataDirectory = _folder["realm"],
            Imports = [_folder["realms"]],
            Environment = new Dictionary<string, string> { ["TRIAL_NAME"] = "A trial" },
        };
        int process;
        string keys;
        await using (var server = await RealmServer.StartAsync(options, Token))
        {
            process = server.ProcessId;
            using var client = new HttpClient();
            using var request = new HttpRequestMessage(HttpMethod.Get,
                $"http://127.0.0.1:{server.Port}/realms/trial/.well-known/openid-configuration");
            request.Headers.Host = "evil.example";
            using var answer = await client.SendAsync(request, Token);
            var metadata = (await answer.Content.ReadFromJsonAsync<JsonObject>(Token))!;
            Assert.Equal($"{server.Url}/realms/trial", metadata["issuer"]!.GetValue<string>());
            keys = await client.GetStringAsync(new Uri($"{server.Url}/realms/trial/protocol/openid-connect/certs"), Token);

            var listeners = Processes.OfSession(server.ProcessId).SelectMany(Processes.ListenAddresses).ToList();
            Assert.NotEmpty(listeners);
            Assert.All(listeners, l => Assert.Contains(l, (string[])["0100007F", "0000000000000000FFFF00000100007F"]));
            Assert.Contains(server.LastOutput, line => line.Contains("embedded development realm", StringComparison.Ordinal));
            Assert.True(Signals.Send(server.ProcessId, Signals.Kill));
            await server.Exited.WaitAsync(TimeSpan.FromSeconds(10), Token);
        }

        await ChildProcessTests.GoneAsync(process);
        await using var again = await RealmServer.StartAsync(options, Token);
        using var http = new HttpClient();
        Assert.Equal(keys, await http.GetStringAsync(new Uri($"{again.Url}/realms/trial/protocol/openid-connect/certs"), Token));
    }

    [Fact]
    public async Task The_embedded_realm_does_not_start_outside_development_and_says_so()
    {
        var program = RealmServer.FindProgram(Checkout());
        Assert.SkipWhen(program is null, "The embedded realm is not built: native/prepare does that.");
        var refused = await Assert.ThrowsAsync<ServerStartException>(() => RealmServer.StartAsync(new RealmOptions
        {
            Program = program!,
            DataDirectory = _folder["realm"],
            EnvironmentName = "Production",
        }, Token));
        Assert.Contains("It is for Development alone, and this is Production", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_dashboard_wants_its_token_and_takes_telemetry_with_its_key_only()
    {
        var directory = Path.Combine(Checkout(), "artifacts", "native", "dashboard");
        Assert.SkipWhen(DashboardServer.FindProgram(directory) is null, "The dashboard is not unpacked: native/prepare does that.");
        await using var server =
            await DashboardServer.StartAsync(new DashboardOptions { Directory = directory, DataDirectory = _folder["dashboard"] }, Token);
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });

        using var page = await client.GetAsync(new Uri($"http://localhost:{server.Port}/traces"), Token);
        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
        Assert.Contains("/login", page.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var login = await client.GetAsync(new Uri(server.LoginUrl), Token);
        Assert.Equal(HttpStatusCode.Redirect, login.StatusCode);
        Assert.Contains(login.Headers.GetValues("Set-Cookie"), c => c.Contains("Dashboard", StringComparison.OrdinalIgnoreCase));

        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync(client, server, "wrong"));
        Assert.Equal(HttpStatusCode.OK, await SendAsync(client, server, server.ApiKey));
    }

    private static async Task<HttpStatusCode> SendAsync(HttpClient client, DashboardServer server, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{server.OtlpHttpUrl}/v1/traces")
        {
            // An empty export request is a valid one.
            Content = new ByteArrayContent([]) { Headers = { ContentType = new("application/x-protobuf") } },
        };
        request.Headers.Add("x-otlp-api-key", key);
        using var answer = await client.SendAsync(request, Token);
        return answer.StatusCode;
    }

    private static string Checkout()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!directory.EnumerateFiles("*.sln").Any())
            directory = directory.Parent!;
        return directory.FullName;
    }
}
