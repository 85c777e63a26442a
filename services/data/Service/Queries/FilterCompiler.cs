using System.Text.Json;
using Google.Protobuf;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Queries;

/// <summary>
/// Turns a filter into a condition in SQL. Whatever it does not know (operators, properties, fields, values that do not fit) is refused,
/// all of it at once; nothing is ignored.
/// </summary>
internal sealed class FilterCompiler(
    TableSchema table,
    QueryParameters parameters,
    DateTimeOffset now,
    FilterSize size,
    List<ShapePart>? compared
)
{
    private const int MaxDepth = 8;

    private readonly List<Violation> _violations = [];

    /// <param name="size">Counts on over all filters of a search.</param>
    /// <param name="compared">Gets the fields that every record found must fit, as far as an index could find them.</param>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT with every violation.</exception>
    public static string Compile(
        TableSchema table,
        ByteString filter,
        QueryParameters parameters,
        DateTimeOffset now,
        FilterSize size,
        string path = "filter",
        List<ShapePart>? compared = null
    )
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(filter.Memory, new JsonDocumentOptions { MaxDepth = 32 });
        }
        catch (JsonException)
        {
            throw Problem.Invalid(path, "is not JSON, or nested too deeply", "Send a JSON object.");
        }

        using (document)
        {
            var compiler = new FilterCompiler(table, parameters, now, size, compared);
            var sql = compiler.Condition(document.RootElement, path, 1, isRequired: true);
            return compiler._violations.Count == 0 ? sql : throw Problem.Invalid(compiler._violations);
        }
    }

    private string Condition(JsonElement condition, string path, int depth, bool isRequired)
    {
        condition = JsonText.Quoted(condition) ?? condition;
        if (condition.ValueKind != JsonValueKind.Object)
        {
            return Refuse(
                path,
                "is not an object",
                "Send {\"operator\":…, \"leftSide\":…, \"rightSide\":…} or {\"operator\":\"AND\",\"conditions\":[…]}."
            );
        }

        if (!size.AddCondition() || depth > MaxDepth)
        {
            return Refuse(
                path,
                $"goes beyond {FilterSize.MaxConditions} conditions, those of a view included, or {MaxDepth} levels",
                "Filter by less, or use IS_ONE_OF."
            );
        }

        if (!condition.TryGetProperty("operator", out var name) || name.ValueKind != JsonValueKind.String)
        {
            return Refuse($"{path}.operator", "is missing", $"Use one of: {NamedOperator.KnownNames}.");
        }

        var text = name.GetRawText()[1..^1];
        if (text is NamedOperator.And or NamedOperator.Or)
        {
            return Composite(condition, text, path, depth, isRequired && text == NamedOperator.And);
        }

        return NamedOperator.Find(text) is { } named
            ? Comparison(condition, named, path, isRequired)
            : Refuse($"{path}.operator", "is unknown", $"Use one of: {NamedOperator.KnownNames}.");
    }

    private string Composite(JsonElement condition, string name, string path, int depth, bool areRequired)
    {
        if (!HasExactly(condition, path, name, "operator", "conditions"))
        {
            return "false";
        }

        var conditions = condition.GetProperty("conditions");
        conditions = JsonText.Quoted(conditions) ?? conditions;
        if (conditions.ValueKind != JsonValueKind.Array || conditions.GetArrayLength() == 0)
        {
            return Refuse($"{path}.conditions", "is not an array of conditions", "Send at least one condition.");
        }

        var parts = conditions
            .EnumerateArray()
            .Select((part, index) => Condition(part, $"{path}.conditions[{index}]", depth + 1, areRequired));
        return $"({string.Join(name == NamedOperator.And ? " and " : " or ", parts)})";
    }

    private string Comparison(JsonElement condition, NamedOperator named, string path, bool isRequired)
    {
        var fits = named.Shape switch
        {
            FilterShape.Unary => HasExactly(condition, path, named.Name, "operator", "leftSide"),
            // A period is two bounds in one: IS_WITHIN takes it as rightSide as well.
            FilterShape.Ternary when named.Operator != FilterOperator.IsWithin || !IsGiven(condition, "rightSide") => HasExactly(
                condition,
                path,
                named.Name,
                "operator",
                "leftSide",
                "lowerBound",
                "upperBound"
            ),
            _ => HasExactly(condition, path, named.Name, "operator", "leftSide", "rightSide"),
        };
        if (!fits)
        {
            return "false";
        }

        var left = condition.GetProperty("leftSide");
        if (!JsonText.TryGet(left, out var key, out _) || table.FindAny(key) is not { } field)
        {
            return Refuse($"{path}.leftSide", "is not a field of the table", table.KnownFields(withSystem: true));
        }

        if (!field.Kind.Operators.Contains(named.Operator))
        {
            return Refuse(
                $"{path}.operator",
                $"{named.Name} does not work on {field.Name}",
                $"Use one of: {NamedOperator.NamesOf(field.Kind.Operators)}."
            );
        }

        var operands = new Operands(field, condition, path, parameters, now, size, (where, rule, fix) => Refuse(where, rule, fix));
        var sql = field.Kind.Compile(named.Operator, $"r.{field.Column}", operands);
        if (named.IsNegated)
        {
            return $"({sql}) is not true";
        }

        if (isRequired && operands.Use is { } use)
        {
            compared?.Add(ShapePart.Of(field, use));
        }

        return sql;
    }

    private bool HasExactly(JsonElement condition, string path, string name, params ReadOnlySpan<string> known)
    {
        var before = _violations.Count;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var form = $"{name} takes {string.Join(", ", known.ToArray())}.";
        foreach (var property in condition.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null))
        {
            if (!known.Contains(property.Name))
            {
                Refuse($"{path}.{property.Name}", "is unknown here", form);
            }
            else if (!seen.Add(property.Name))
            {
                Refuse($"{path}.{property.Name}", "is given twice", "Give it once.");
            }
        }

        foreach (var required in known)
        {
            if (!seen.Contains(required))
            {
                Refuse($"{path}.{required}", "is missing", form);
            }
        }

        return _violations.Count == before;
    }

    // Models send null for what they leave out.
    private static bool IsGiven(JsonElement condition, string name) =>
        condition.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private string Refuse(string where, string rule, string fix)
    {
        _violations.Add(
            new Violation
            {
                Field = where,
                Rule = rule,
                Fix = fix,
            }
        );
        return "false";
    }
}
