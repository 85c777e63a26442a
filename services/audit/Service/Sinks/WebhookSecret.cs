using System.Security.Cryptography;
using System.Text;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Sinks;

/// <summary>Signing secrets as Standard Webhooks has them: <c>whsec_</c> and 24 to 64 bytes in base64.</summary>
internal static class WebhookSecret
{
    private const string Prefix = "whsec_";

    public static string Create() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: it is not such a secret.</exception>
    public static string Check(string secret, string field)
    {
        Span<byte> key = stackalloc byte[80];
        return
            secret.StartsWith(Prefix, StringComparison.Ordinal)
            && Convert.TryFromBase64String(secret[Prefix.Length..], key, out var length)
            && length is >= 24 and <= 64
            ? secret
            : throw Problem.Invalid(field, "is not whsec_ and 24 to 64 bytes in base64", "Leave it out to have one made.");
    }

    /// <summary>One signature of the header: <c>v1,</c> and the HMAC of <c>id.timestamp.body</c> in base64.</summary>
    public static string Sign(string secret, string id, string timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Convert.FromBase64String(secret[Prefix.Length..]));
        hmac.AppendData(Encoding.UTF8.GetBytes($"{id}.{timestamp}."));
        hmac.AppendData(body);
        return "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
    }
}
