using System.Text.Encodings.Web;
using System.Text.Json;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Catalogue;

/// <summary>
/// A listed schema in the subset that strict function calling allows: every object is closed and names all its members as required, what
/// may be left out may be null, and an object whose members nobody can list is the text of its JSON, which the edge reads all the same.
/// See docs/decisions/0018.
/// </summary>
internal static class StrictSchema
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Of the formats that are used here.
    private static readonly string[] _formats = ["date-time", "date", "email"];

    public static byte[] Of(ReadOnlySpan<byte> schema)
    {
        using var buffer = new PooledBuffer(4096);
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            json.WriteStartObject();
            WriteMembers(JsonElement.Parse(schema), json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(JsonElement schema, bool mayBeNull, Utf8JsonWriter json)
    {
        var isFree = IsFree(schema);
        json.WriteStartObject();
        if (Description(schema, isFree) is { Length: > 0 } description)
        {
            json.WriteString("description"u8, description);
        }

        if (schema.TryGetProperty("anyOf"u8, out var branches))
        {
            WriteAnyOf(branches.EnumerateArray(), mayBeNull, json);
        }
        else if (isFree)
        {
            WriteType(["string"], mayBeNull, json);
        }
        else if (Has(schema, "object") && mayBeNull)
        {
            json.WriteStartArray("anyOf"u8);
            json.WriteStartObject();
            WriteMembers(schema, json);
            json.WriteEndObject();
            WriteNull(json);
            json.WriteEndArray();
        }
        else if (Has(schema, "object"))
        {
            WriteMembers(schema, json);
        }
        else
        {
            WriteValue(schema, mayBeNull, json);
        }

        json.WriteEndObject();
    }

    private static void WriteMembers(JsonElement schema, Utf8JsonWriter json)
    {
        var members = schema.TryGetProperty("properties"u8, out var properties) ? properties.EnumerateObject().ToList() : [];
        var required = schema.TryGetProperty("required"u8, out var names)
            ? names.EnumerateArray().Select(name => name.GetString()).ToHashSet()
            : [];
        json.WriteString("type"u8, "object"u8);
        json.WriteStartObject("properties"u8);
        foreach (var member in members)
        {
            json.WritePropertyName(member.Name);
            Write(member.Value, !required.Contains(member.Name), json);
        }

        json.WriteEndObject();
        json.WriteStartArray("required"u8);
        members.ForEach(member => json.WriteStringValue(member.Name));
        json.WriteEndArray();
        json.WriteBoolean("additionalProperties"u8, false);
    }

    private static void WriteAnyOf(IEnumerable<JsonElement> branches, bool mayBeNull, Utf8JsonWriter json)
    {
        json.WriteStartArray("anyOf"u8);
        foreach (var branch in branches)
        {
            Write(branch, mayBeNull: false, json);
        }

        if (mayBeNull)
        {
            WriteNull(json);
        }

        json.WriteEndArray();
    }

    private static void WriteValue(JsonElement schema, bool mayBeNull, Utf8JsonWriter json)
    {
        WriteType(TypesOf(schema), mayBeNull, json);
        if (schema.TryGetProperty("format"u8, out var format) && _formats.Contains(format.GetString()))
        {
            json.WriteString("format"u8, format.GetString());
        }

        if (schema.TryGetProperty("enum"u8, out var allowed))
        {
            json.WriteStartArray("enum"u8);
            foreach (var value in allowed.EnumerateArray())
            {
                value.WriteTo(json);
            }

            if (mayBeNull)
            {
                json.WriteNullValue();
            }

            json.WriteEndArray();
        }

        if (schema.TryGetProperty("items"u8, out var items))
        {
            json.WritePropertyName("items"u8);
            Write(items, mayBeNull: false, json);
        }
    }

    // Of several types, those that need no schema of their own.
    private static List<string> TypesOf(JsonElement schema) =>
        schema.GetProperty("type"u8) is { ValueKind: JsonValueKind.Array } several
            ? [.. several.EnumerateArray().Select(type => type.GetString()!).Where(type => type is not ("object" or "array"))]
            : [schema.GetProperty("type"u8).GetString()!];

    private static void WriteType(List<string> types, bool mayBeNull, Utf8JsonWriter json)
    {
        if (types is [var only] && !mayBeNull)
        {
            json.WriteString("type"u8, only);
            return;
        }

        json.WriteStartArray("type"u8);
        foreach (var type in mayBeNull ? types.Append("null").Distinct() : types)
        {
            json.WriteStringValue(type);
        }

        json.WriteEndArray();
    }

    private static void WriteNull(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "null"u8);
        json.WriteEndObject();
    }

    // A default is no keyword of the subset, and a type that changes needs a word.
    private static string Description(JsonElement schema, bool isFree)
    {
        var words = schema.TryGetProperty("description"u8, out var description) ? description.GetString()! : "";
        if (schema.TryGetProperty("default"u8, out var otherwise))
        {
            words += $" Default: {otherwise}.";
        }

        return (isFree ? $"{words} Send it as the text of a JSON object." : words).Trim();
    }

    private static bool IsFree(JsonElement schema) =>
        Has(schema, "object")
        && (
            schema.TryGetProperty("additionalProperties"u8, out var others) && others.ValueKind != JsonValueKind.False
            || !schema.TryGetProperty("properties"u8, out _) && !schema.TryGetProperty("additionalProperties"u8, out _)
        );

    private static bool Has(JsonElement schema, string type) =>
        schema.TryGetProperty("type"u8, out var declared) && declared.ValueKind == JsonValueKind.String && declared.ValueEquals(type);
}
