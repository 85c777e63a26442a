using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Platform.Directory.Service.Values;

/// <summary>Internet domains as they are kept: lower case, international ones in their ASCII form (RFC 5891).</summary>
internal static class DomainName
{
    public const string Fix = "Send a domain such as example.com, without scheme, port or path.";

    private static readonly IdnMapping _idn = new() { UseStd3AsciiRules = true };

    /// <summary>False for text that is not a registrable domain, with the rule that it breaks.</summary>
    public static bool TryNormalize(string text, out string domain, [NotNullWhen(false)] out string? rule)
    {
        domain = text.Trim().ToLowerInvariant();
        rule = Check(domain);
        if (rule is null && !Ascii.IsValid(domain))
        {
            try
            {
                domain = _idn.GetAscii(domain);
            }
            catch (ArgumentException)
            {
                rule = "is not a valid international domain";
            }
        }

        return (rule ??= CheckAscii(domain)) is null;
    }

    private static string? Check(string domain)
    {
        if (domain.Length == 0)
        {
            return "is empty";
        }

        foreach (var character in domain)
        {
            if (char.IsAsciiLetterOrDigit(character) || character is '.' or '-')
            {
                continue;
            }

            if (character < 128)
            {
                return $"holds the character '{character}', which domains do not have";
            }

            // The same name can be spelled in several ways of Unicode. Without its normalization tables only letters that have one spelling
            // are taken; the rest has to come in ASCII.
            if (!char.IsLetter(character) || character is >= '\uFF00' and <= '\uFFEF')
            {
                return "holds characters that need the ASCII form (xn--…)";
            }
        }

        return null;
    }

    private static string? CheckAscii(string domain)
    {
        if (domain.Length > 253)
        {
            return "is longer than 253 characters";
        }

        var labels = domain.Split('.');
        return labels switch
        {
            { Length: < 2 } => "has no dot: a top-level domain is missing",
            _ when labels.Any(label => label.Length is 0 or > 63) => "has a part that is empty or longer than 63 characters",
            _ when labels.Any(label => label[0] == '-' || label[^1] == '-') => "has a part that begins or ends with a hyphen",
            _ when labels[^1].All(char.IsAsciiDigit) => "is an IP address or ends in a number",
            _ => null,
        };
    }
}
