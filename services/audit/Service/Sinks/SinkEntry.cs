using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Platform.Audit.Service.Sinks;

/// <summary>
/// What entries of every sink have in common: attributes for searching, and <c>message</c>, the exact bytes that were hashed or signed.
/// </summary>
internal static class SinkEntry
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlySpan<byte> Test => "A test of the audit stream. It is not an event of the log."u8;

    public static void Describe(Utf8JsonWriter json, OutgoingEvent happened)
    {
        json.WriteString("id", happened.Id);
        json.WriteNumber("sequence", happened.Sequence);
        json.WriteString("action", happened.Action);
        json.WriteString("outcome", happened.Outcome);
        json.WriteString("recordedAt", happened.RecordedAt.UtcDateTime);
    }

    public static void Describe(Utf8JsonWriter json, OutgoingCheckpoint checkpoint)
    {
        json.WriteNumber("size", checkpoint.Size);
        json.WriteBase64String("root", checkpoint.Root);
        json.WriteString("keyId", checkpoint.KeyId);
        json.WriteString("keyType", checkpoint.KeyType);
        json.WriteBase64String("publicKey", checkpoint.PublicKey);
        json.WriteBase64String("signature", checkpoint.Signature);
    }

    public static byte[] Write(ReadOnlySpan<byte> message, Action<Utf8JsonWriter> attributes)
    {
        var buffer = new ArrayBufferWriter<byte>(message.Length + 512);
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            json.WriteStartObject();
            attributes(json);
            json.WriteString("message", message);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
