using System.Text.Json;
using System.Text.Json.Serialization;

namespace Platform.Identity.Service.Governance;

/// <summary>Reads texts of a body. PostgreSQL cannot keep a NUL character, so none is taken.</summary>
internal sealed class StorableText : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType != JsonTokenType.String ? throw new JsonException()
        : reader.GetString() is { } text && !text.Contains('\0', StringComparison.Ordinal) ? text
        : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
