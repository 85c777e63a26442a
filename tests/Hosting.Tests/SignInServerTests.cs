using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Platform.LocalServers;
using Platform.Servers;
using Platform.Testing;

namespace Platform.Hosting.Tests;

/// <summary>What Keycloak and the embedded realm, each as a program of its own, do alike.</summary>
public sealed class SignInServerTests : IDisposable
{
    private readonly Folder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Keycloak_imports_its_realm_names_one_issuer_and_listens_on_loopback_only()
    {
        var distribution = KeycloakDistribution.Find(LocalServer.Checkout, out var reason);
        Assert.SkipWhen(distribution is null, reason);
        await WriteRealmAsync();

        int process;
        await using (
            var server = await LocalServer.StartKeycloakAsync(
                _folder["keycloak"],
                FreePorts.Next(),
                distribution!,
                _folder["realms"],
                "admin-password",
                new() { ["TRIAL_NAME"] = "A trial" },
                [],
                Token
            )
        )
        {
            process = server.ProcessId;
            await CheckIssuerAsync(server.ConnectionString);
            using var client = new HttpClient();
            using var form = new FormUrlEncodedContent(
                new Dictionary<string, string>
                {
                    ["grant_type"] = "password",
                    ["client_id"] = "admin-cli",
                    ["username"] = "admin",
                    ["password"] = "admin-password",
                }
            );
            using var token = await client.PostAsync(
                new Uri($"{server.ConnectionString}/realms/master/protocol/openid-connect/token"),
                form,
                Token
            );
            Assert.Equal(HttpStatusCode.OK, token.StatusCode);
            CheckListeners(process);
        }

        await ChildProcessTests.GoneAsync(process);
    }

    [Fact]
    public async Task The_embedded_realm_imports_its_realm_names_one_issuer_listens_on_loopback_only_and_survives_a_crash()
    {
        await WriteRealmAsync();
        var port = FreePorts.Next();
        var url = $"http://127.0.0.1:{port}";
        string keys;
        await using (var realm = await StartRealmAsync(port, "Development"))
        {
            await CheckIssuerAsync(url);
            using var client = new HttpClient();
            keys = await client.GetStringAsync(new Uri($"{url}/realms/trial/protocol/openid-connect/certs"), Token);
            CheckListeners(realm.Id);
            Assert.Contains(realm.LastOutput, line => line.Contains("embedded development realm", StringComparison.Ordinal));
            Assert.True(Signals.Send(realm.Id, Signals.Kill));
            await realm.Exited.WaitAsync(TimeSpan.FromSeconds(10), Token);
            await ChildProcessTests.GoneAsync(realm.Id);
        }

        await using var again = await StartRealmAsync(port, "Development");
        using var http = new HttpClient();
        Assert.Equal(keys, await http.GetStringAsync(new Uri($"{url}/realms/trial/protocol/openid-connect/certs"), Token));
    }

    [Fact]
    public async Task The_embedded_realm_does_not_start_outside_development_and_says_so()
    {
        await WriteRealmAsync();
        await using var realm = await StartRealmAsync(FreePorts.Next(), "Production");
        Assert.Equal(1, await realm.Exited.WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.Contains(realm.LastOutput, line =>
            line.Contains("It is for Development alone, and this is Production", StringComparison.Ordinal)
        );
    }

    private async Task WriteRealmAsync()
    {
        Directory.CreateDirectory(_folder["realms"]);
        await File.WriteAllTextAsync(
            _folder["realms/trial.json"],
            """{ "realm": "trial", "enabled": true, "displayName": "${TRIAL_NAME}" }""",
            Token
        );
    }

    // Returns once it answers, or has ended.
    private async Task<ChildProcess> StartRealmAsync(int port, string environment)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(
            LocalServer.Checkout,
            "identity",
            "EmbeddedRealm",
            "bin",
            output.Parent!.Name,
            output.Name,
            "Platform.Identity.EmbeddedRealm.dll"
        );
        var management = FreePorts.Next().ToString(CultureInfo.InvariantCulture);
        var realm = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = "The embedded realm",
                FileName = "dotnet",
                Arguments =
                [
                    program,
                    $"--data={_folder["realm"]}",
                    $"--http-port={port}",
                    $"--http-management-port={management}",
                    $"--import={_folder["realms"]}",
                ],
                ExtraEnvironment = new Dictionary<string, string?> { ["TRIAL_NAME"] = "A trial", ["ASPNETCORE_ENVIRONMENT"] = environment },
            },
            Token
        );
        using var http = new HttpClient();
        await Eventually.AsyncTrue(async () => realm.HasExited || await IsReadyAsync(http, $"http://127.0.0.1:{management}/health/ready"));
        return realm;
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, string url)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(url), Token);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task CheckIssuerAsync(string url)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{url}/realms/trial/.well-known/openid-configuration");
        request.Headers.Host = "evil.example";
        using var answer = await client.SendAsync(request, Token);
        var metadata = (await answer.Content.ReadFromJsonAsync<JsonObject>(Token))!;
        Assert.Equal($"{url}/realms/trial", metadata["issuer"]!.GetValue<string>());
    }

    private static void CheckListeners(int process)
    {
        var listeners = Processes.OfSession(process).SelectMany(Processes.ListenAddresses).ToList();
        Assert.NotEmpty(listeners);
        Assert.All(listeners, listener => Assert.Contains(listener, (string[])["0100007F", "0000000000000000FFFF00000100007F"]));
    }
}
