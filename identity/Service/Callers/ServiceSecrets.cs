using System.Security.Cryptography;
using System.Text;

namespace Platform.Identity.Service.Callers;

/// <summary>
/// What services prove their own identity with: <c>Services:&lt;name&gt;:Secret</c>. A service without one gets no assertion.
/// </summary>
internal sealed class ServiceSecrets(IConfiguration configuration)
{
    public bool Accepts(string service, string secret)
    {
        var expected = service.Contains(':', StringComparison.Ordinal) ? null : configuration[$"Services:{service}:Secret"];
        return CryptographicOperations.FixedTimeEquals(Digest(secret), Digest(expected ?? "")) && !string.IsNullOrEmpty(expected);
    }

    private static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
