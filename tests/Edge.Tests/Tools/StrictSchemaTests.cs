using System.Text.Json;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;

namespace Platform.Edge.Tests.Tools;

/// <summary>
/// Strict function calling, by the rules of the OpenAI Agents SDKs (<c>strictToolSchema</c> of @openai/agents-core 0.20,
/// <c>strict_schema.py</c>) and of the API behind them.
/// </summary>
public sealed class StrictSchemaTests
{
    // Everything else is refused, or promises what nobody enforces.
    private static readonly string[] _keywords =
    [
        "type",
        "description",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "enum",
        "format",
    ];

    public static TheoryData<string> Urls => ["?toolsets=all", "", "?surface=compact"];

    [Theory]
    [MemberData(nameof(Urls))]
    public void Every_tool_can_be_called_strictly_behind_a_strict_url(string url)
    {
        var tools = Listed(url, isStrict: true);
        Assert.Empty(tools.SelectMany(tool => Faults(tool.Schema, tool.Name)));
        Assert.Equal(Listed(url, isStrict: false).Select(tool => tool.Name), tools.Select(tool => tool.Name));
        if (url == "?toolsets=all")
        {
            Assert.Equal(Product.Surface.Tools.Count, tools.Count);
        }
    }

    [Fact]
    public void Everywhere_else_the_free_form_objects_stay_objects()
    {
        var faults = Listed("?toolsets=all", isStrict: false).Where(tool => Faults(tool.Schema, tool.Name).Any(IsOfOpenObject)).ToList();
        Assert.Equal(
            [
                "create_organization",
                "create_record",
                "create_records",
                "create_user",
                "create_view",
                "export_csv",
                "import_csv",
                "search_records",
                "update_organization",
                "update_record",
                "update_user",
                "update_view",
                "upsert_records",
            ],
            faults.Select(tool => tool.Name)
        );
    }

    [Fact]
    public async Task The_list_is_strict_where_the_url_says_so_and_calls_by_it_are_taken()
    {
        await using var edge = await EdgeFixture.StartAsync();
        using var request = Post.ModernRequest(new Uri(edge.Url + "?schemas=strict"), "tools/list");
        request.Headers.Authorization = new("Bearer", edge.Token);
        using var response = await edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var tools = (await response.JsonAsync()).GetProperty("result").GetProperty("tools").EnumerateArray().ToList();
        Assert.All(tools, tool => Assert.Empty(Faults(tool.GetProperty("inputSchema"), tool.GetProperty("name").GetString()!)));
        Assert.Contains("mutate", tools.Select(tool => tool.GetProperty("name").GetString()));

        var answer = await edge.CallAsync(
            "echo_thing",
            """
            {"thing":{"text":"5","whole":null,"flag":true,"tags":null,"parts":[{"text":"p","kind":null,"pieces":null}],"counts":"{\"x\":1}",
             "named":null,"key":null},"environment":null,"idempotencyKey":null,"dryRun":null,"task":null}
            """,
            "?schemas=strict"
        );
        Assert.False(answer.IsError(), answer.ToString());
        var thing = answer.Structured().GetProperty("thing");
        Assert.Equal(
            (1, "p"),
            (thing.GetProperty("counts").GetProperty("x").GetInt32(), thing.GetProperty("parts")[0].GetProperty("text").GetString())
        );
        var called = await edge.CallAsync("query", """{"operation":"get_thing","arguments":"{\"thingId\":\"7\"}"}""", "?schemas=strict");
        Assert.Equal("thing 7", called.Structured().GetProperty("text").GetString());
    }

    private static bool IsOfOpenObject(string fault) => fault.EndsWith("is open", StringComparison.Ordinal) && fault.Contains('.');

    private static List<(string Name, JsonElement Schema)> Listed(string url, bool isStrict) =>
        Product.Listed(
            Product.PlainUrl with
            {
                IsStrict = isStrict,
                IsCompact = url == "?surface=compact",
                Toolsets = url == "?toolsets=all" ? Product.Surface.Toolsets : null,
            }
        );

    private static IEnumerable<string> Faults(JsonElement schema, string path)
    {
        foreach (var keyword in schema.EnumerateObject().Where(keyword => !_keywords.Contains(keyword.Name)))
        {
            yield return $"{path} has the keyword {keyword.Name}";
        }

        if (schema.TryGetProperty("anyOf", out var branches))
        {
            foreach (var fault in branches.EnumerateArray().SelectMany((branch, i) => Faults(branch, $"{path}|{i}")))
            {
                yield return fault;
            }

            yield break;
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            yield return $"{path} has no type";
            yield break;
        }

        if (type.ToString().Contains("object", StringComparison.Ordinal))
        {
            var names = schema.TryGetProperty("properties", out var properties)
                ? properties.EnumerateObject().Select(property => property.Name).ToList()
                : [];
            if (!schema.TryGetProperty("additionalProperties", out var others) || others.ValueKind != JsonValueKind.False)
            {
                yield return names.Count > 0 && others.ValueKind == JsonValueKind.Undefined ? $"{path} can be closed" : $"{path} is open";
            }

            var required = schema.TryGetProperty("required", out var all)
                ? all.EnumerateArray().Select(name => name.GetString()).ToList()
                : [];
            if (!names.SequenceEqual(required))
            {
                yield return $"{path} leaves something out";
            }

            foreach (var fault in names.SelectMany(name => Faults(properties.GetProperty(name), $"{path}.{name}")))
            {
                yield return fault;
            }
        }

        if (schema.TryGetProperty("items", out var items))
        {
            foreach (var fault in Faults(items, $"{path}[]"))
            {
                yield return fault;
            }
        }
    }
}
