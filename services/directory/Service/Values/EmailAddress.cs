using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Platform.Directory.Service.Values;

/// <summary>E-mail addresses as they are kept and compared: lower case, the domain in ASCII.</summary>
internal static class EmailAddress
{
    public const string Fix = "Send an address such as ada@example.com.";

    // RFC 5321 without quoted strings, which nobody uses.
    private static readonly SearchValues<char> _local = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+-/=?^_`{|}~");

    /// <summary>False for text that is not an address, with the rule that it breaks.</summary>
    public static bool TryNormalize(string text, out string address, [NotNullWhen(false)] out string? rule)
    {
        address = text.Trim().ToLowerInvariant();
        var at = address.IndexOf('@', StringComparison.Ordinal);
        rule =
            address.Length == 0 ? "is required"
            : at < 0 ? "has no @"
            : address.IndexOf('@', at + 1) >= 0 ? "has more than one @"
            : CheckLocal(address[..at]);
        if (rule is not null)
        {
            return false;
        }

        if (!DomainName.TryNormalize(address[(at + 1)..], out var domain, out var broken))
        {
            rule = $"has a domain that {broken}";
            return false;
        }

        address = $"{address[..at]}@{domain}";
        rule = address.Length > 254 ? "is longer than 254 characters" : null;
        return rule is null;
    }

    /// <summary>For addresses that others have accepted: what cannot be normalized is compared as it is, in lower case.</summary>
    public static string NormalizeOrLower(string text) =>
        TryNormalize(text, out var address, out _) ? address : text.Trim().ToLowerInvariant();

    private static string? CheckLocal(string local) =>
        local switch
        {
            "" => "has nothing before the @",
            { Length: > 64 } => "has more than 64 characters before the @",
            _ when local.AsSpan().ContainsAnyExcept(_local) => "has a character before the @ that addresses do not have",
            _ when local[0] == '.' || local[^1] == '.' || local.Contains("..", StringComparison.Ordinal) =>
                "has a dot at an end of the part before the @, or two in a row",
            _ => null,
        };
}
