using System.Collections.Frozen;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Platform.Edge.Transcoding;

/// <summary>
/// A JSON Schema in the keywords that our generator emits, compiled once. A keyword it does not know fails the start: a rule that is
/// told to a model but not enforced would be worse than none.
/// </summary>
internal sealed partial class ArgumentSchema
{
    [Flags]
    private enum Types
    {
        None = 0,
        Object = 1,
        Array = 2,
        String = 4,
        Number = 8,
        Integer = 16,
        Boolean = 32,
        Null = 64,
        Any = 127,
    }

    private readonly Types _types = Types.Any;
    private readonly FrozenDictionary<string, ArgumentSchema>? _properties;
    private readonly FrozenDictionary<string, ArgumentSchema>.AlternateLookup<ReadOnlySpan<char>> _byName;
    private readonly string[] _required = [];
    private readonly bool _closed;
    private readonly ArgumentSchema? _additional;
    private readonly ArgumentSchema? _names;
    private readonly ArgumentSchema? _items;
    private readonly ArgumentSchema[]? _anyOf;
    private readonly int _minLength;
    private readonly int _maxLength = int.MaxValue;
    private readonly int _minItems;
    private readonly int _maxItems = int.MaxValue;
    private readonly int _minProperties;
    private readonly int _maxProperties = int.MaxValue;
    private readonly double? _minimum;
    private readonly double? _maximum;
    private readonly Regex? _pattern;
    private readonly string? _format;
    private readonly string[]? _allowed;

    private ArgumentSchema(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidOperationException($"A schema must be an object, not {schema.GetRawText()}.");
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            var value = keyword.Value;
            switch (keyword.Name)
            {
                case "description" or "title" or "default" or "examples" or "$comment" or "contentEncoding":
                    break;
                case "type":
                    _types =
                        value.ValueKind == JsonValueKind.Array
                            ? value.EnumerateArray().Aggregate(Types.None, (types, type) => types | TypeOf(type.GetString()!))
                            : TypeOf(value.GetString()!);
                    break;
                case "properties":
                    _properties = value
                        .EnumerateObject()
                        .ToFrozenDictionary(p => p.Name, p => new ArgumentSchema(p.Value), StringComparer.Ordinal);
                    _byName = _properties.GetAlternateLookup<ReadOnlySpan<char>>();
                    break;
                case "required":
                    _required = [.. value.EnumerateArray().Select(name => name.GetString()!)];
                    break;
                case "additionalProperties" when value.ValueKind is JsonValueKind.False or JsonValueKind.True:
                    _closed = value.ValueKind == JsonValueKind.False;
                    break;
                case "additionalProperties":
                    _additional = new ArgumentSchema(value);
                    break;
                case "propertyNames":
                    _names = new ArgumentSchema(value);
                    break;
                case "items":
                    _items = new ArgumentSchema(value);
                    break;
                case "anyOf":
                    _anyOf = [.. value.EnumerateArray().Select(branch => new ArgumentSchema(branch))];
                    _types = _anyOf.Aggregate(Types.None, (types, branch) => types | branch._types);
                    break;
                case "enum":
                    _allowed = [.. value.EnumerateArray().Select(one => one.GetString()!)];
                    break;
                case "minLength":
                    _minLength = value.GetInt32();
                    break;
                case "maxLength":
                    _maxLength = value.GetInt32();
                    break;
                case "minItems":
                    _minItems = value.GetInt32();
                    break;
                case "maxItems":
                    _maxItems = value.GetInt32();
                    break;
                case "minProperties":
                    _minProperties = value.GetInt32();
                    break;
                case "maxProperties":
                    _maxProperties = value.GetInt32();
                    break;
                case "minimum":
                    _minimum = value.GetDouble();
                    break;
                case "maximum":
                    _maximum = value.GetDouble();
                    break;
                case "pattern":
                    _pattern = new Regex(
                        value.GetString()!,
                        RegexOptions.CultureInvariant | RegexOptions.ECMAScript,
                        TimeSpan.FromMilliseconds(100)
                    );
                    break;
                case "format":
                    _format = value.GetString();
                    break;
                default:
                    throw new InvalidOperationException($"The schema keyword '{keyword.Name}' is not enforced by the edge.");
            }
        }
    }

    public static ArgumentSchema Compile(ReadOnlyMemory<byte> schema)
    {
        using var document = JsonDocument.Parse(schema);
        return new ArgumentSchema(document.RootElement);
    }

    /// <summary>The names of the arguments, in the order of the contract.</summary>
    public IEnumerable<string> Names => _properties?.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>();

    private void Check(JsonElement value, string path, Violations violations)
    {
        if (!Fits(value))
        {
            var quotes = value.ValueKind == JsonValueKind.String ? ", without quotes around it" : "";
            violations.Add(path, $"is {Describe(value)}, not {Name(_types)}", $"Send {Name(_types)} as {Shown(path)}{quotes}.");
            return;
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                CheckObject(value, path, violations);
                break;
            case JsonValueKind.Array:
                CheckArray(value, path, violations);
                break;
            case JsonValueKind.String:
                CheckString(value, path, violations);
                break;
            case JsonValueKind.Number:
                CheckNumber(value, path, violations);
                break;
        }

        if (_anyOf is not null && !Array.Exists(_anyOf, branch => branch.Allows(value)))
        {
            // Some branch takes the type, and says what is wrong with the value.
            Array.Find(_anyOf, branch => branch.Fits(value))!.Check(value, path, violations);
        }
    }

    private bool Allows(JsonElement value)
    {
        var violations = new Violations();
        Check(value, "", violations);
        return violations.Count == 0;
    }

    private bool RefusesEmpty(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => _minLength > 0 && Takes(Types.String) && value.ValueEquals(""u8),
            JsonValueKind.Array => _minItems > 0 && Takes(Types.Array) && value.GetArrayLength() == 0,
            _ => false,
        };

    private bool Takes(Types type) => (_types & type) != 0;

    private bool Fits(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => Takes(Types.Object),
            JsonValueKind.Array => Takes(Types.Array),
            JsonValueKind.String => Takes(Types.String),
            JsonValueKind.Number => Takes(Types.Number) || (Takes(Types.Integer) && IsInteger(value)),
            JsonValueKind.True or JsonValueKind.False => Takes(Types.Boolean),
            _ => Takes(Types.Null),
        };

    private void CheckObject(JsonElement value, string path, Violations violations)
    {
        var count = 0;
        var found = 0;
        foreach (var property in value.EnumerateObject())
        {
            if (violations.IsFull)
            {
                return;
            }

            count++;
            var name = property.Name;
            _names?.CheckText(name, Join(path, name), violations);
            if (_properties is not null && _byName.TryGetValue(name, out var schema))
            {
                // Models send null for what they leave out; it counts as left out unless null has a meaning there.
                if (property.Value.ValueKind == JsonValueKind.Null && !schema.Takes(Types.Null))
                {
                    continue;
                }

                var required = Array.IndexOf(_required, name) >= 0;
                if (required)
                {
                    found++;
                }

                if (schema.RefusesEmpty(property.Value))
                {
                    violations.Add(Join(path, name), "is empty", required ? $"Send {Join(path, name)}." : "Send a value, or leave it out.");
                }
                else
                {
                    schema.Check(property.Value, path.Length == 0 ? name : Join(path, name), violations);
                }
            }
            else if (_additional is not null)
            {
                _additional.Check(property.Value, Join(path, name), violations);
            }
            else if (_closed)
            {
                violations.Add(
                    Join(path, name),
                    "is not known here",
                    _properties is { Count: > 0 }
                        ? $"Known {(path.Length == 0 ? "arguments" : "members")}: {string.Join(", ", Names)}."
                        : "Leave it out: nothing is expected."
                );
            }
        }
        if (found < _required.Length)
        {
            foreach (var name in _required)
            {
                if (
                    !value.TryGetProperty(name, out var given)
                    || (given.ValueKind == JsonValueKind.Null && !_properties![name].Takes(Types.Null))
                )
                {
                    violations.Add(Join(path, name), "is required", $"Send {Join(path, name)}.");
                }
            }
        }
        CheckCount(count, _minProperties, _maxProperties, "members", path, violations);
    }

    private void CheckArray(JsonElement value, string path, Violations violations)
    {
        CheckCount(value.GetArrayLength(), _minItems, _maxItems, "items", path, violations);
        if (_items is null || _items.IsOpen)
        {
            return;
        }

        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (violations.IsFull)
            {
                return;
            }

            _items.Check(item, $"{path}[{index++}]", violations);
        }
    }

    // Most schemas inside an array of records are plain; a path for each of thousands of items would only make garbage.
    private bool IsOpen =>
        _types == Types.Any && _properties is null && _items is null && _anyOf is null && _additional is null && _names is null;

    private static void CheckCount(int count, int minimum, int maximum, string what, string path, Violations violations)
    {
        if (count < minimum)
        {
            violations.Add(path, $"has {count} {what}, fewer than {minimum}", $"Send at least {minimum}.");
        }
        else if (count > maximum)
        {
            violations.Add(path, $"has {count} {what}, more than {maximum}", $"Send at most {maximum} at a time.");
        }
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static string Shown(string path) => path.Length == 0 ? "arguments" : path;

    private static Types TypeOf(string name) =>
        name switch
        {
            "object" => Types.Object,
            "array" => Types.Array,
            "string" => Types.String,
            "number" => Types.Number,
            "integer" => Types.Integer,
            "boolean" => Types.Boolean,
            "null" => Types.Null,
            _ => throw new InvalidOperationException($"'{name}' is not a JSON Schema type."),
        };

    private static string Describe(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "an array",
            JsonValueKind.String => "text",
            JsonValueKind.Number => "a number",
            JsonValueKind.True or JsonValueKind.False => "true or false",
            _ => "null",
        };

    private static string Name(Types types)
    {
        var names = new List<string>();
        foreach (
            var (type, name) in new[]
            {
                (Types.Object, "an object"),
                (Types.Array, "an array"),
                (Types.String, "text"),
                (Types.Number, "a number"),
                (Types.Integer, "an integer"),
                (Types.Boolean, "true or false"),
                (Types.Null, "null"),
            }
        )
        {
            if ((types & type) != 0)
            {
                names.Add(name);
            }
        }

        return names.Count < 2 ? string.Concat(names) : $"{string.Join(", ", names[..^1])} or {names[^1]}";
    }
}
