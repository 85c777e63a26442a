using System.Globalization;

namespace Platform.Edge.Transcoding;

/// <summary>
/// Instants as RFC 3339 writes them: an offset is not optional, because a local time would mean something else on each server.
/// </summary>
internal static class Rfc3339
{
    private static readonly string[] _forms =
    [
        "yyyy-MM-ddTHH:mm:ssZ",
        "yyyy-MM-ddTHH:mm:sszzz",
        "yyyy-MM-ddTHH:mm:ss.FFFFFFFZ",
        "yyyy-MM-ddTHH:mm:ss.FFFFFFFzzz",
    ];

    public static bool TryParse(string text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParseExact(text, _forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out instant);
}
