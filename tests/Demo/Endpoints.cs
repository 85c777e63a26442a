using System.Text.Json;

namespace Platform.Demo;

/// <summary>What <c>artifacts/endpoints.json</c> says: all that the demo knows of the system.</summary>
/// <param name="Issuer">Null where there is no Keycloak.</param>
internal sealed record Endpoints(Uri Mcp, Uri Governance, Uri? Issuer, Uri? Dashboard, IReadOnlyList<DemoMember> Members)
{
    public static string Path { get; } = System.IO.Path.Combine(Checkout.Artifacts, "endpoints.json");

    public DemoMember Owner => Member("owner");

    public DemoMember Member(string role) => Members.First(member => member.Role == role);

    /// <summary>The same of a suite that is starting, once everything is up.</summary>
    public static async Task<Endpoints> WaitAsync(string path, CancellationToken cancellationToken)
    {
        while (!File.Exists(path))
        {
            await Task.Delay(100, cancellationToken);
        }

        return Read(path);
    }

    public static Endpoints Read(string path) => JsonSerializer.Deserialize<Endpoints>(File.ReadAllText(path), JsonSerializerOptions.Web)!;
}

internal sealed record DemoMember(string Role, string Username, string Password, string Token);
