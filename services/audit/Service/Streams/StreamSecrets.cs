using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Platform.Audit.Service.Streams;

/// <summary>Seals what streams need to sign in at their destinations.</summary>
internal sealed class StreamSecrets(IDataProtectionProvider protection)
{
    private readonly IDataProtector _protector = protection.CreateProtector("audit.stream-secret.v1");

    public byte[] Seal(string secret) => _protector.Protect(Encoding.UTF8.GetBytes(secret));

    /// <summary>Null when it cannot be opened: its key is gone, or the stored bytes were changed.</summary>
    public string? TryOpen(byte[] secret)
    {
        try
        {
            return Encoding.UTF8.GetString(_protector.Unprotect(secret));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
