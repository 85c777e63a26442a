using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Google.Protobuf;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Queries;

/// <summary>
/// The values of one record, where all of them can be more than an answer holds. The longest ones are left out then, whole: half a text
/// that a client writes back would destroy the other half.
/// </summary>
internal static class FittingFields
{
    // Beside the values, a record has an id, a version and the like.
    private const int MaxBytes = AnswerSize.MaxEntries - 2_000;

    /// <param name="written">A JSON object.</param>
    /// <param name="leftOut">Gets the bytes of each value that was left out.</param>
    public static ByteString Of(ArrayBufferWriter<byte> written, IDictionary<string, int> leftOut)
    {
        if (written.WrittenCount <= MaxBytes)
        {
            return ByteString.CopyFrom(written.WrittenSpan);
        }

        using var values = JsonDocument.Parse(written.WrittenMemory);
        var properties = values.RootElement.EnumerateObject().ToList();
        if (properties.Count == 1)
        {
            // Who asks for one field gets it, however long it is.
            return ByteString.CopyFrom(written.WrittenSpan);
        }

        var left = MaxBytes - 2;
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in properties.OrderBy(BytesOf))
        {
            // What stands for a value that was left out: its name and a number.
            var (name, bytes) = (JsonSize.Of(property.Name), BytesOf(property));
            left -= name + 2 + Math.Min(bytes, 8);
            if (bytes <= left)
            {
                left -= bytes;
                kept.Add(property.Name);
            }
            else
            {
                leftOut[property.Name] = bytes;
            }
        }

        var buffer = new ArrayBufferWriter<byte>(MaxBytes);
        using (var json = new Utf8JsonWriter(buffer, JsonText.Options))
        {
            json.WriteStartObject();
            foreach (var property in properties.Where(property => kept.Contains(property.Name)))
            {
                json.WritePropertyName(JsonEncodedText.Encode(property.Name, JsonText.Encoder));
                json.WriteRawValue(JsonMarshal.GetRawUtf8Value(property.Value), skipInputValidation: true);
            }

            json.WriteEndObject();
        }

        return ByteString.CopyFrom(buffer.WrittenSpan);
    }

    private static int BytesOf(JsonProperty property) => JsonMarshal.GetRawUtf8Value(property.Value).Length;
}
