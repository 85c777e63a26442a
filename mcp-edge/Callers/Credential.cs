using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Platform.Edge.Callers;

/// <summary>A bearer token as it came. Its text is a secret: it goes to identity or nowhere.</summary>
internal sealed class Credential
{
    private Credential(string token, bool isPersonal)
    {
        Token = token;
        IsPersonal = isPersonal;
        var length = Encoding.UTF8.GetMaxByteCount(token.Length);
        var utf8 = length <= 4096 ? stackalloc byte[length] : new byte[length];
        Hash = SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(token, utf8)]);
        Key = MemoryMarshal.Read<TokenKey>(Hash);
    }

    public string Token { get; }

    public bool IsPersonal { get; }

    /// <summary>SHA-256 of the token.</summary>
    public byte[] Hash { get; }

    public TokenKey Key { get; }

    public static Credential Personal(string token) => new(token, true);

    public static Credential OAuth(string token) => new(token, false);
}

/// <summary>The hash of a token as a key of dictionaries.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TokenKey(UInt128 High, UInt128 Low);
