using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Platform.Audit.Service.Streams;

/// <summary>Seals what streams need to sign in at their destinations.</summary>
internal sealed class StreamSecrets(IDataProtectionProvider protection)
{
    private readonly IDataProtector _protector = protection.CreateProtector("audit.stream-secret.v1");

    public byte[] Seal(string secret) => _protector.Protect(Encoding.UTF8.GetBytes(secret));

    public string Open(byte[] secret) => Encoding.UTF8.GetString(_protector.Unprotect(secret));
}
