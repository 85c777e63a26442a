using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Platform.Data.Service.Fields;

/// <summary>How JSON is written here: compact, characters of every script as they are.</summary>
internal static class JsonText
{
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static JsonWriterOptions Options { get; } = new() { Encoder = Encoder, SkipValidation = true };

    /// <summary>Writes text. The framework's encoders escape all that lies beyond the BMP, such as emoji: twelve bytes instead of four.</summary>
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
}
