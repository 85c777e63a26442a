using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Platform.ServiceDefaults;

namespace Platform.Edge.Transcoding;

// Some clients lose the type of an argument on the way, and some cannot carry every type. They send its JSON as text: "10" for 10.
internal sealed partial class ArgumentSchema
{
    private static readonly JsonWriterOptions _raw = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>
    /// Checks arguments and returns them as they are meant: text that holds the JSON of the declared type becomes that value, at every
    /// depth, and stays as it is wherever text is declared. What the contract says nothing about is left alone.
    /// </summary>
    public JsonElement Read(JsonElement arguments, Violations violations)
    {
        var found = new Violations();
        Check(arguments, "", found);
        // Only what would be refused is looked at twice.
        if (found.Count > 0 && HoldsQuoted(arguments))
        {
            arguments = Unquote(arguments);
            found = new Violations();
            Check(arguments, "", found);
        }

        violations.Add(found);
        return arguments;
    }

    private JsonElement Unquote(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, _raw))
        {
            WriteUnquoted(value, json);
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private bool HoldsQuoted(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => Quoted(value) is not null,
            JsonValueKind.Object => value.EnumerateObject().Any(member => Member(member.Name)?.HoldsQuoted(member.Value) == true),
            JsonValueKind.Array => _items is { IsOpen: false } && value.EnumerateArray().Any(_items.HoldsQuoted),
            _ => false,
        };

    private void WriteUnquoted(JsonElement value, Utf8JsonWriter json)
    {
        if (Quoted(value) is { } meant)
        {
            WriteUnquoted(meant, json);
        }
        else if (!HoldsQuoted(value))
        {
            // As it came, to the last digit.
            json.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            json.WriteStartArray();
            foreach (var item in value.EnumerateArray())
            {
                _items!.WriteUnquoted(item, json);
            }

            json.WriteEndArray();
        }
        else
        {
            json.WriteStartObject();
            foreach (var member in value.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                if (Member(member.Name) is { } schema)
                {
                    schema.WriteUnquoted(member.Value, json);
                }
                else
                {
                    json.WriteRawValue(JsonMarshal.GetRawUtf8Value(member.Value), skipInputValidation: true);
                }
            }

            json.WriteEndObject();
        }
    }

    private ArgumentSchema? Member(string name) =>
        _properties is not null && _byName.TryGetValue(name, out var schema) ? schema : _additional;

    /// <summary>The value whose JSON the text holds, where that is declared and text is not.</summary>
    private JsonElement? Quoted(JsonElement value)
    {
        if (Takes(Types.String) || value.TextOrNull() is not { Length: > 0 } text)
        {
            return null;
        }

        return StrictJson.Parse(text) is { ValueKind: not JsonValueKind.Null } meant && Fits(meant) ? meant : null;
    }
}
