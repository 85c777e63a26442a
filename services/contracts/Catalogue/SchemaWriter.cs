using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;

namespace Platform.Contracts.Catalogue;

/// <summary>
/// Writes the JSON Schema (2020-12) of a message as a model sees it. The brief form, for lists, leaves out what a refusal tells just as
/// well (lengths, patterns, lower bounds) and what is the same for every tool.
/// </summary>
internal sealed partial class SchemaWriter(
    Utf8JsonWriter json,
    IReadOnlyDictionary<string, string> comments,
    bool isInput,
    bool isBrief = false
)
{
    // These mean the same wherever they stand; the server's instructions explain them once.
    private static readonly string[] _conventions = ["limit", "cursor", "returnFields", "fieldKeys"];

    private static readonly JsonWriterOptions _options = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private MessageDescriptor? _root;

    public static byte[] Input(Tool tool, MessageDescriptor message, IReadOnlyDictionary<string, string> comments) =>
        Write(json => new SchemaWriter(json, comments, isInput: true).WriteRoot(message, () => SharedArguments.Write(json, tool)));

    public static byte[] BriefInput(Tool tool, MessageDescriptor message, IReadOnlyDictionary<string, string> comments) =>
        Write(json =>
            new SchemaWriter(json, comments, isInput: true, isBrief: true).WriteRoot(message, () =>
                SharedArguments.WriteBriefly(json, tool)
            )
        );

    public static byte[] Output(Tool tool, MessageDescriptor message, IReadOnlyDictionary<string, string> comments) =>
        Write(json => new SchemaWriter(json, comments, isInput: false).WriteRoot(message, () => SharedAnswers.Write(json, tool)));

    private static byte[] Write(Action<Utf8JsonWriter> body)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            body(json);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private void WriteRoot(MessageDescriptor message, Action shared)
    {
        _root = message;
        json.WriteStartObject();
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        WriteProperties(message);
        shared();
        json.WriteEndObject();
        WriteRequired(message);
        if (isInput && (!isBrief || message.Fields.InDeclarationOrder().Count == 0))
        {
            json.WriteBoolean("additionalProperties", false);
        }

        json.WriteEndObject();
    }

    private void WriteProperties(MessageDescriptor message)
    {
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            json.WriteStartObject(field.JsonName);
            WriteField(field);
            json.WriteEndObject();
        }
    }

    private void WriteRequired(MessageDescriptor message)
    {
        // An answer's optional parts depend on what was asked; only an input's requirements are promises worth their tokens.
        var required = isInput ? message.Fields.InDeclarationOrder().Where(field => Rules(field).Required).ToList() : [];
        if (required.Count > 0)
        {
            json.WriteStartArray("required");
            required.ForEach(field => json.WriteStringValue(field.JsonName));
            json.WriteEndArray();
        }
    }

    private void WriteField(FieldDescriptor field)
    {
        var rules = Rules(field);
        if (comments.GetValueOrDefault(field.FullName) is { } comment)
        {
            if (!isBrief || NeedsWords(field, comment))
            {
                json.WriteString("description", comment);
            }
        }
        else if (isInput)
        {
            throw new InvalidOperationException($"{field.FullName} has no comment; the model would not know what to send.");
        }

        if (rules.Secret && !isInput)
        {
            WriteSecret();
        }
        else if (field.IsMap)
        {
            json.WriteString("type", "object");
            WriteItems(Least(field, rules.MinItems), rules.MaxItems, "minProperties", "maxProperties");
            json.WriteStartObject("additionalProperties");
            WriteValue(field.MessageType.FindFieldByNumber(2), rules);
            json.WriteEndObject();
        }
        else if (field.IsRepeated)
        {
            json.WriteString("type", "array");
            WriteItems(Least(field, rules.MinItems), rules.MaxItems, "minItems", "maxItems");
            json.WriteStartObject("items");
            WriteValue(field, rules);
            json.WriteEndObject();
        }
        else
        {
            WriteValue(field, rules);
        }

        if (rules.DefaultJson.Length > 0 && isInput)
        {
            json.WritePropertyName("default");
            json.WriteRawValue(rules.DefaultJson);
        }
    }

    // Inside a list the names speak for themselves, unless an example stands there.
    private bool NeedsWords(FieldDescriptor field, string comment) =>
        field.ContainingType == _root
            ? !_conventions.Contains(field.JsonName) && !SaysOnlyWhereFrom().IsMatch(comment)
            : comment.Contains("e.g.", StringComparison.Ordinal);

    private void WriteItems(int least, int most, string minimum, string maximum)
    {
        if (least > 0 && !isBrief)
        {
            json.WriteNumber(minimum, least);
        }

        if (most > 0)
        {
            json.WriteNumber(maximum, most);
        }
    }

    // A service cannot tell an empty text or list from none where the field has no presence, and would ignore it. The edge can.
    private int Least(FieldDescriptor field, int minimum)
    {
        var rules = Rules(field);
        return isInput && !field.HasPresence && (rules.Required || !rules.MayBeEmpty) && (field.IsRepeated || rules.Allowed.Count == 0)
            ? Math.Max(minimum, 1)
            : minimum;
    }

    private void WriteSecret()
    {
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        json.WriteStartObject("isSet");
        json.WriteString("type", "boolean");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteValue(FieldDescriptor field, Field rules)
    {
        switch (field.FieldType)
        {
            case FieldType.String:
                WriteString(
                    rules,
                    field.IsRepeated || field.ContainingType.GetOptions()?.MapEntry == true
                        ? rules.MinLength
                        : Least(field, rules.MinLength)
                );
                break;
            case FieldType.Bool:
                json.WriteString("type", "boolean");
                break;
            case FieldType.Double or FieldType.Float:
                json.WriteString("type", "number");
                WriteRange(rules);
                break;
            case FieldType.Enum:
                WriteEnum(field.EnumType);
                break;
            case FieldType.Bytes:
                json.WriteString("type", "string");
                json.WriteString("contentEncoding", "base64");
                break;
            case FieldType.Message:
                WriteMessage(field.MessageType, rules);
                break;
            default:
                json.WriteString("type", "integer");
                WriteRange(rules);
                break;
        }
    }

    private void WriteString(Field rules, int least)
    {
        json.WriteString("type", "string");
        if (least > 0 && !isBrief)
        {
            json.WriteNumber("minLength", least);
        }

        if (rules.MaxLength > 0 && !isBrief)
        {
            json.WriteNumber("maxLength", rules.MaxLength);
        }

        if (rules.Pattern.Length > 0 && !isBrief)
        {
            json.WriteString("pattern", rules.Pattern);
        }

        if (rules.Format.Length > 0)
        {
            json.WriteString("format", rules.Format);
        }

        if (rules.Allowed.Count > 0)
        {
            json.WriteStartArray("enum");
            foreach (var value in rules.Allowed)
            {
                json.WriteStringValue(value);
            }

            json.WriteEndArray();
        }
    }

    private void WriteRange(Field rules)
    {
        if (rules.HasMinimum && !isBrief)
        {
            json.WriteNumber("minimum", rules.Minimum);
        }

        if (rules.HasMaximum)
        {
            json.WriteNumber("maximum", rules.Maximum);
        }
    }

    private void WriteEnum(EnumDescriptor type)
    {
        json.WriteString("type", "string");
        json.WriteStartArray("enum");
        foreach (var value in type.Values.Where(value => value.Number != 0))
        {
            json.WriteStringValue(EnumNames.JsonName(value));
        }

        json.WriteEndArray();
    }

    private void WriteMessage(MessageDescriptor message, Field rules)
    {
        if (message.FullName == "google.protobuf.Timestamp")
        {
            json.WriteString("type", "string");
            json.WriteString("format", "date-time");
            return;
        }

        if (message.FullName == "platform.Json")
        {
            WriteRawSchema(rules.Schema);
            return;
        }

        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        WriteProperties(message);
        json.WriteEndObject();
        WriteRequired(message);
        if (isInput && !isBrief)
        {
            json.WriteBoolean("additionalProperties", false);
        }
    }

    // The option holds a JSON Schema of its own; its keywords join the ones already written for the property.
    private void WriteRawSchema(string schema)
    {
        if (schema.Length == 0)
        {
            return;
        }

        using var document = JsonDocument.Parse(schema);
        foreach (var keyword in document.RootElement.EnumerateObject())
        {
            keyword.WriteTo(json);
        }
    }

    private static Field Rules(FieldDescriptor field) => field.GetOptions()?.GetExtension(OptionsExtensions.Field) ?? new Field();

    // `tableId` says by itself that list_tables has it.
    [GeneratedRegex(@"^(From list_[a-z_]+\.|`[a-z]+_…`\.?)$")]
    private static partial Regex SaysOnlyWhereFrom();
}
