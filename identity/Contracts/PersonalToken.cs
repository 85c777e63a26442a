using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Platform.Identity.Contracts;

/// <summary>
/// The form of a personal token: <c>plt_</c>, 30 random characters of base62 (178 bits) and 6 that hold the CRC-32 of what stands before
/// them. The checksum tells a typing error from an unknown token without asking anybody, and lets scanners of leaked secrets be certain.
/// </summary>
public static class PersonalToken
{
    public const string Prefix = "plt_";

    /// <summary>Characters of a whole token.</summary>
    public const int Length = 40;

    private const int Random = 30;
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<char> _base62 = SearchValues.Create(Base62);

    /// <summary>A new token. It is a secret from here on: show it once, keep <see cref="Hash"/> of it.</summary>
    public static string Create()
    {
        var body = Prefix + RandomNumberGenerator.GetString(Base62, Random);
        return body + Checksum(body);
    }

    /// <summary>True for text that was made by <see cref="Create"/>, whether the token is still known or not.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> token)
    {
        if (
            token.Length != Length
            || !token.StartsWith(Prefix, StringComparison.Ordinal)
            || token[Prefix.Length..].ContainsAnyExcept(_base62)
        )
        {
            return false;
        }

        return token[^6..].SequenceEqual(Checksum(token[..^6]));
    }

    /// <summary>
    /// SHA-256 of a well-formed token, 32 bytes. A token is random enough that its hash needs neither salt nor stretching.
    /// </summary>
    public static byte[] Hash(ReadOnlySpan<char> token)
    {
        Span<byte> utf8 = stackalloc byte[Length];
        return SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(token, utf8)]);
    }

    private static string Checksum(ReadOnlySpan<char> body)
    {
        var crc = uint.MaxValue;
        foreach (var character in body)
        {
            crc ^= character;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
            }
        }

        return string.Create(6, ~crc, static (text, value) =>
        {
            for (var i = text.Length - 1; i >= 0; i--)
            {
                text[i] = Base62[(int)(value % 62)];
                value /= 62;
            }
        });
    }
}
