using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Fields;

/// <summary>How text in JSON is read and written here: compact, characters of every script as they are.</summary>
internal static class JsonText
{
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static JsonWriterOptions Options { get; } = new() { Encoder = Encoder, SkipValidation = true };

    /// <summary>
    /// Writes text. The framework's encoders escape everything beyond the BMP, such as emoji: twelve bytes instead of four.
    /// </summary>
    public static void Write(Utf8JsonWriter json, string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
        {
            json.WriteStringValue(text);
            return;
        }

        var escaped = new StringBuilder(text.Length + 16).Append('"');
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' => escaped.Append("\\\""),
                '\\' => escaped.Append("\\\\"),
                < ' ' => escaped.Append("\\u").Append(((int)character).ToString("x4", System.Globalization.CultureInfo.InvariantCulture)),
                _ => escaped.Append(character),
            };
        }

        json.WriteRawValue(escaped.Append('"').ToString(), skipInputValidation: true);
    }

    /// <summary>The text of a JSON string, as it is kept and compared. Not every JSON string is one that PostgreSQL keeps.</summary>
    public static bool TryGet(JsonElement json, out string text, out Parsed refusal)
    {
        (text, refusal) = ("", default);
        if (json.ValueKind != JsonValueKind.String)
        {
            refusal = Parsed.Refused($"is {Describe(json)}, not text", "Send a string.");
            return false;
        }

        try
        {
            text = json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            refusal = Parsed.Refused("holds half of a surrogate pair", "Send whole Unicode characters.");
            return false;
        }

        if (text.Contains('\0', StringComparison.Ordinal))
        {
            refusal = Parsed.Refused("holds a NUL character", "Remove it.");
            return false;
        }

        text = Nfc.Of(text);
        return true;
    }

    /// <summary>
    /// The value whose JSON a text holds, for clients that lose types on the way. Null where the text holds none, or only a text or null.
    /// </summary>
    public static JsonElement? Quoted(JsonElement json)
    {
        if (!TryGet(json, out var text, out _) || text.AsSpan().Trim() is not [var first, .., var last])
        {
            return null;
        }

        // Most texts are none: an exception for each would cost more than the rest of a refusal.
        if ((first, last) is not (('[', ']') or ('{', '}') or ('t' or 'f', 'e')))
        {
            return null;
        }

        return StrictJson.Parse(text);
    }

    public static string Describe(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.String => "text",
            JsonValueKind.Number => "a number",
            JsonValueKind.True or JsonValueKind.False => "true or false",
            JsonValueKind.Array => "an array",
            JsonValueKind.Object => "an object",
            _ => "null",
        };
}
