using System.Text.Json;
using CsCheck;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>
/// JSON after a schema, with something wrong in it now and then: the schemas of the tools, as a client gets them, and those of the
/// protocol's own methods and of forms.
/// </summary>
internal sealed class SchemaGen(Pool pool)
{
    // How much more often something is right than wrong. Of a message around its arguments, little may be wrong, or no tool is reached.
    private const int Right = 40;
    private const int RightAround = 250;
    private const string Arguments = "arguments";

    // What the ids in an argument belong to, by what its name begins with.
    private static readonly (string Word, string Kind)[] _kinds =
    [
        ("database", "db"),
        ("table", "tbl"),
        ("field", "fld"),
        ("choice", "cho"),
        ("view", "view"),
        ("record", "rec"),
        ("environment", "env"),
        ("organizationMembership", "om"),
        ("membership", "om"),
        ("organization", "org"),
        ("user", "usr"),
        ("member", "mbr"),
        ("invitation", "minv"),
        ("stream", "str"),
        ("event", "evt"),
        ("task", "tsk"),
        ("workspace", "wks"),
        ("link", "tbl"),
        ("id", "rec"),
        ("cursor", "nextCursor"),
        ("confirmation", "confirmation"),
        ("requestState", "requestState"),
        ("call", "callId"),
        ("change", "callId"),
        ("token", "token"),
        ("client", "client_id"),
    ];

    private static readonly string[] _anyKind = [.. _kinds.Select(kind => kind.Kind).Distinct()];

    public Gen<string> Of(JsonElement schema) => Of(schema, "", Right);

    /// <summary>The same for a message with arguments in it.</summary>
    public Gen<string> Around(JsonElement schema) => Of(schema, "", RightAround);

    private Gen<string> Of(JsonElement schema, string name, int right)
    {
        right = name == Arguments ? Right : right;
        return Gen.Frequency((right, Valid(schema, name, right)), (1, Hostile.Json), (1, Gen.Const("null")), (1, Text(name)));
    }

    private Gen<string> Valid(JsonElement schema, string name, int right)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return Hostile.Json;
        }

        if (schema.TryGetProperty("anyOf", out var branches))
        {
            return Gen.OneOf([.. branches.EnumerateArray().Select(branch => Of(branch, name, right))]);
        }

        if (schema.TryGetProperty("enum", out var allowed))
        {
            return Gen.OneOf([.. allowed.EnumerateArray().Select(value => value.GetRawText())]);
        }

        return TypeOf(schema) switch
        {
            "object" => Object(schema, right),
            "array" => Array(schema, name, right),
            "integer" => Gen.Frequency(
                (8, Gen.Int[1, 5].Select(n => $"{n}")),
                (1, Gen.Int.Select(n => $"{n}")),
                (1, Gen.Long.Select(n => $"{n}"))
            ),
            "number" => Gen.Frequency((4, Gen.Int[-5, 100].Select(n => $"{n}")), (1, Gen.Double.Select(Number))),
            "boolean" => Gen.OneOf("true", "false"),
            "null" => Gen.Const("null"),
            "string" => Text(name),
            _ => Hostile.Json,
        };
    }

    private static string TypeOf(JsonElement schema) =>
        !schema.TryGetProperty("type", out var type) ? (schema.TryGetProperty("properties", out _) ? "object" : "")
        : type.ValueKind == JsonValueKind.Array ? type[0].GetString()!
        : type.GetString()!;

    private Gen<string> Object(JsonElement schema, int right)
    {
        var members = Gen.Const("");
        HashSet<string> required = schema.TryGetProperty("required", out var names)
            ? [.. names.EnumerateArray().Select(name => name.GetString()!)]
            : [];
        if (schema.TryGetProperty("properties", out var properties))
        {
            foreach (var property in properties.EnumerateObject())
            {
                members = Gen.Select(members, Member(property.Name, property.Value, required.Contains(property.Name), right), Join);
            }
        }

        if (schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind != JsonValueKind.False)
        {
            var key = Gen.Frequency((3, Quoted("fld")), (1, Gen.OneOf("\"Name\"", "\"a\"", "\"1\"")), (1, Hostile.JsonText.Select(Quote)));
            members = Gen.Select(
                members,
                Gen.Select(key, Of(more, "", right), (name, value) => $"{name}:{value}")
                    .Array[0, 3]
                    .Select(pairs => string.Join(',', pairs)),
                Join
            );
        }

        var unknown = Gen.Frequency(
            (right, Gen.Const("")),
            (1, Gen.Select(Hostile.JsonText, Hostile.Json, (name, value) => $"\"{name}\":{value}"))
        );
        return Gen.Select(members, unknown, (known, extra) => $"{{{Join(known, extra)}}}");
    }

    private Gen<string> Member(string name, JsonElement schema, bool required, int right)
    {
        var value = Of(schema, name, right).Select(text => $"{Quote(name)}:{text}");
        return Gen.Frequency(
            (required ? right : right / 4, value),
            (required ? 1 : right / 2, Gen.Const("")),
            (1, Gen.Select(value, value, (first, second) => $"{first},{second}"))
        );
    }

    private Gen<string> Array(JsonElement schema, string name, int right)
    {
        var least = schema.TryGetProperty("minItems", out var minimum) ? minimum.GetInt32() : 0;
        var item = schema.TryGetProperty("items", out var items) ? Of(items, name, right) : Hostile.Json;
        return Gen.Frequency(
                (20, item.Array[least, least + 3]),
                (1, item.Array[0, 1]),
                (1, Gen.Select(item, item => Enumerable.Repeat(item, 1_500).ToArray()))
            )
            .Select(all => $"[{string.Join(',', all)}]");
    }

    private Gen<string> Text(string name)
    {
        var kind = _kinds.FirstOrDefault(kind => name.StartsWith(kind.Word, StringComparison.OrdinalIgnoreCase)).Kind;
        var usual = kind is null
            ? Gen.Frequency(
                (
                    6,
                    Gen.OneOf("Name", "text", "a b", "x@people.example", "2026-11-30", "2026-11-30T10:00:00Z", "https://x.example/y", "7")
                        .Select(Quote)
                ),
                (1, Gen.OneOf(_anyKind).SelectMany(Quoted))
            )
            : Gen.Frequency((12, Quoted(kind)), (1, Gen.OneOf(_anyKind).SelectMany(Quoted)), (1, Changed(kind)));
        return Gen.Frequency((6, usual), (1, Hostile.JsonText.Select(Quote)));
    }

    private Gen<string> Quoted(string kind) => Gen.Int[0, 10_000].Select(index => Quote(pool.Pick(kind, index)));

    // Cut, or with one letter changed.
    private Gen<string> Changed(string kind) =>
        Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, 10_000], Gen.Char['0', 'z'], (index, place, letter) =>
        {
            var text = pool.Pick(kind, index);
            var at = place % text.Length;
            return Quote(place % 2 == 0 ? text[..at] : $"{text[..at]}{(letter == '\\' ? '_' : letter)}{text[(at + 1)..]}");
        });

    private static string Join(string first, string second) =>
        first.Length == 0 ? second
        : second.Length == 0 ? first
        : $"{first},{second}";

    private static string Quote(string text) => $"\"{text}\"";

    private static string Number(double value) =>
        double.IsFinite(value) ? value.ToString("R", System.Globalization.CultureInfo.InvariantCulture) : "1e308";
}
