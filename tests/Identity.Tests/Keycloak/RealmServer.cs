using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.Realm;
using Platform.Servers;

namespace Platform.Identity.Tests.Keycloak;

/// <summary>
/// A server with the platform's realm, started by the first test that asks for it. Tests that share one belong to one collection: a service
/// keeps the realm as its file says while another test changes it by hand.
/// </summary>
public abstract class RealmServer : IAsyncDisposable
{
    internal const string EdgeUrl = "http://127.0.0.1:9999/mcp";
    internal const string Secret = "secret-of-the-service-account";
    private protected const string AdminPassword = "bootstrap-of-the-tests";

    private readonly Lazy<Task<string?>> _started;

    private protected RealmServer() => _started = new(StartWithRealmAsync);

    internal string Url { get; } = $"http://127.0.0.1:{FreePorts.Next()}";

    internal string Issuer => $"{Url}/realms/platform";

    /// <summary>Where the platform's own client is answered in tests. Outside them it has no address at first.</summary>
    internal const string GovernanceRedirect = "http://127.0.0.1/governance/callback";

    internal static RealmFile File { get; } = LoadFile();

    /// <summary>Starts it, once. Skips the test that asks when there is none.</summary>
    internal async Task RequireAsync()
    {
        if (await _started.Value is { } missing)
        {
            Assert.Skip(missing);
        }
    }

    internal KeycloakAdmin Admin(bool bootstrap = false) =>
        new(
            new HttpClient(),
            Microsoft.Extensions.Options.Options.Create(
                new KeycloakOptions
                {
                    Url = Url,
                    ClientSecret = Secret,
                    AdminUsername = bootstrap ? "admin" : "",
                    AdminPassword = bootstrap ? AdminPassword : "",
                }
            ),
            TimeProvider.System
        );

    internal static RealmReconciler Reconciler(KeycloakAdmin admin) => new(admin, File, "platform-identity", Secret);

    public abstract ValueTask DisposeAsync();

    /// <summary>Null when it runs, without a realm; otherwise what is missing.</summary>
    private protected abstract Task<string?> StartAsync();

    internal static RealmFile LoadFile()
    {
        var file = RealmFile.Load(null, new Dictionary<string, string> { ["PLATFORM_EDGE_URL"] = EdgeUrl });
        file.AddRedirectUris("platform-governance", [GovernanceRedirect]);
        return file;
    }

    private async Task<string?> StartWithRealmAsync()
    {
        if (await StartAsync() is { } missing)
        {
            return missing;
        }

        using var admin = Admin(bootstrap: true);
        await Reconciler(admin).RunAsync(CancellationToken.None);
        return null;
    }
}
