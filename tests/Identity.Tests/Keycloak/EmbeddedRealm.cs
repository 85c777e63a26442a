using Platform.Identity.EmbeddedRealm;

[assembly: AssemblyFixture(typeof(Platform.Identity.Tests.Keycloak.EmbeddedRealm))]

namespace Platform.Identity.Tests.Keycloak;

/// <summary>The embedded realm, in this process. It is always there.</summary>
public sealed class EmbeddedRealm : RealmServer
{
    internal const string Collection = "embedded realm";

    private readonly string _data = Path.Combine(AppContext.BaseDirectory, $"realm-{Guid.NewGuid():N}");
    private RealmHost? _host;

    public override async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
            System.IO.Directory.Delete(_data, recursive: true);
        }
    }

    private protected override async Task<string?> StartAsync()
    {
        var options = new RealmOptions
        {
            DataDirectory = _data,
            Port = new Uri(Url).Port,
            PublicUrl = Url,
            AdminUserName = "admin",
            AdminPassword = AdminPassword,
        };
        _host = RealmHost.Build("Development", () => options, TimeProvider.System);
        await _host.StartAsync();
        return null;
    }
}
