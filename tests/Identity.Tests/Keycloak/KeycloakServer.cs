using Platform.LocalServers;
using Platform.Servers;

[assembly: AssemblyFixture(typeof(Platform.Identity.Tests.Keycloak.KeycloakServer))]

namespace Platform.Identity.Tests.Keycloak;

/// <summary>
/// A genuine Keycloak, with its database in memory, started by the first test that asks for it. Where none is found, those tests are
/// skipped and say so.
/// </summary>
public sealed class KeycloakServer : RealmServer
{
    internal const string Collection = "Keycloak";

    private readonly string _data = System.IO.Directory.CreateTempSubdirectory("keycloak-tests").FullName;
    private LocalServer? _server;

    public override async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        System.IO.Directory.Delete(_data, recursive: true);
    }

    private protected override async Task<string?> StartAsync()
    {
        if (KeycloakDistribution.Find(LocalServer.Checkout, out var reason) is not { } distribution)
        {
            return reason;
        }

        // The realm is made by the tests.
        var noRealms = System.IO.Directory.CreateDirectory(Path.Combine(_data, "no-realms")).FullName;
        _server = await LocalServer.StartKeycloakAsync(
            _data,
            new Uri(Url).Port,
            distribution,
            noRealms,
            AdminPassword,
            [],
            ["--db=dev-mem", "--cache=local"],
            CancellationToken.None
        );
        return null;
    }
}
