using System.Text.Json;

namespace Platform.Edge.Tests.Tools;

/// <summary>A law over every schema of every tool: a client that is told no type guesses one, and often sends text.</summary>
public sealed class SchemaTypeTests
{
    [Fact]
    public void Every_place_for_a_value_says_its_type()
    {
        var places = Schemas().SelectMany(schema => Untyped(schema.Schema, schema.Name)).ToList();
        Assert.Empty(places);
    }

    /// <summary>The full schemas, and the lists of every surface, the edge's own tools among them.</summary>
    private static IEnumerable<(string Name, JsonElement Schema)> Schemas()
    {
        foreach (var tool in Product.Surface.Tools)
        {
            yield return ($"{tool.Name} takes", JsonElement.Parse(tool.Definition.InputSchema.Span));
            yield return ($"{tool.Name} answers", JsonElement.Parse(tool.Definition.OutputSchema.Span));
        }

        var all = Product.PlainUrl with { Toolsets = Product.Surface.Toolsets };
        foreach (var narrowing in new[] { all, Product.PlainUrl, Product.PlainUrl with { IsCompact = true } })
        {
            foreach (var (name, schema) in Product.Listed(narrowing))
            {
                yield return ($"{name} lists", schema);
            }
        }
    }

    private static IEnumerable<string> Untyped(JsonElement schema, string path)
    {
        if (schema.TryGetProperty("anyOf", out var branches))
        {
            return branches.EnumerateArray().SelectMany((branch, i) => Untyped(branch, $"{path}|{i}"));
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            return schema.TryGetProperty("$ref", out _) ? [] : [path];
        }

        var below = new List<string>();
        if (schema.TryGetProperty("properties", out var properties))
        {
            below.AddRange(properties.EnumerateObject().SelectMany(property => Untyped(property.Value, $"{path}.{property.Name}")));
        }

        if (schema.TryGetProperty("items", out var items))
        {
            below.AddRange(Untyped(items, $"{path}[]"));
        }
        else if (type.ToString().Contains("array", StringComparison.Ordinal))
        {
            below.Add($"{path}[]");
        }

        if (schema.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.Object)
        {
            below.AddRange(Untyped(others, $"{path}.*"));
        }

        return below;
    }
}
