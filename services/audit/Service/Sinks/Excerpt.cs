using System.Text;

namespace Platform.Audit.Service.Sinks;

/// <summary>The beginning of what a destination answered, fit to be shown: short, printable, without the secret.</summary>
internal static class Excerpt
{
    private const int MaxBytes = 4096;
    private const int MaxCharacters = 200;

    public static async Task<string> ReadAsync(HttpContent content, IEnumerable<string> secrets, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxBytes];
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var length = await stream.ReadAtLeastAsync(buffer, MaxBytes, throwOnEndOfStream: false, cancellationToken);
        return Printable(secrets.Aggregate(Encoding.UTF8.GetString(buffer, 0, length), Scrub));
    }

    private static string Scrub(string text, string secret)
    {
        // A destination may well echo the key, or the part of it that fits into its message.
        var scrubbed = text.Replace(secret, "***", StringComparison.OrdinalIgnoreCase);
        for (var length = secret.Length - 1; length >= 8; length--)
        {
            scrubbed = scrubbed
                .Replace(secret[..length], "***", StringComparison.OrdinalIgnoreCase)
                .Replace(secret[^length..], "***", StringComparison.OrdinalIgnoreCase);
        }

        return scrubbed;
    }

    private static string Printable(string text)
    {
        var printable = string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)).Trim();
        return printable.Length <= MaxCharacters ? printable : printable[..MaxCharacters] + "…";
    }
}
