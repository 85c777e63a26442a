using System.Text;
using System.Text.Json;
using Platform.Contracts;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;
using Platform.Edge.Compact;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Tests.Protocol;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Tests.Tools;

/// <summary>What a list of tools costs a model, and how it comes in pages.</summary>
public sealed class ToolListTests
{
    private static readonly ToolSurface _product = Product.Surface;
    private static readonly ResolvedCaller _owner = Product.Caller(Roles.Owner);
    private static readonly UrlNarrowing _plain = Product.PlainUrl;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Over it: shorten descriptions, or keep the new toolset out of Toolsets.Default (docs/decisions/0012).
    [Fact]
    public void The_list_of_the_default_toolsets_is_less_than_24_KB_for_an_owner()
    {
        using var list = _product.List(_owner, _plain, isModern: true, pageSize: 1000, null);
        Assert.InRange(list.Length, 1, 24_000 - 1);
    }

    [Fact]
    public void The_list_of_the_compact_surface_is_less_than_8_KB_for_an_owner()
    {
        using var list = new CompactSurface(_product).List(_owner, _plain with { IsCompact = true }, isModern: true, pageSize: 1000, null);
        Assert.InRange(list.Length, 1, 8_000 - 1);
        Assert.Equal(["list_operations", "mutate", "query", "whoami"], Names(list));
    }

    [Fact]
    public void The_plain_url_lists_every_default_toolset_without_its_administration()
    {
        Assert.Empty(Toolsets.Default.Except(_product.Toolsets));
        using var list = _product.List(_owner, _plain, isModern: true, pageSize: 1000, null);
        var listed = Names(list).Select(name => _product.Tools.Single(tool => tool.Name == name)).ToList();
        Assert.Equal(
            Toolsets.Default.Order(StringComparer.Ordinal),
            listed.Select(tool => tool.Toolset).Distinct().Order(StringComparer.Ordinal)
        );
        Assert.Empty(listed.Select(tool => tool.Scope).Intersect(Scopes.Administrative));
    }

    [Fact]
    public void All_toolsets_are_listed_for_those_who_ask()
    {
        using var list = _product.List(_owner, _plain with { Toolsets = _product.Toolsets }, isModern: true, pageSize: 1000, null);
        Assert.Equal(_product.Tools.Select(tool => tool.Name), Names(list));
    }

    [Fact]
    public void Whatever_the_full_schema_takes_the_listed_one_takes_too() => Assert.All(_product.Tools, tool =>
        {
            using var full = JsonDocument.Parse(tool.Definition.InputSchema);
            using var brief = JsonDocument.Parse(tool.Definition.BriefInputSchema);
            IsWider(brief.RootElement, full.RootElement);
        });

    [Fact]
    public async Task The_plain_url_lists_the_default_toolsets_and_calls_the_others_all_the_same()
    {
        await using var edge = await EdgeFixture.StartAsync();
        Assert.Equal(
            ["delete_things", "echo_thing", "get_thing", "list_operations", "mutate", "query", "read_trail"],
            await edge.ListAsync()
        );
        Assert.Equal(["administer", "stream_things"], await edge.ListAsync("?toolsets=administration"));
        Assert.Equal(
            ["administer", "delete_things", "echo_thing", "get_thing", "read_trail", "stream_things"],
            await edge.ListAsync("?toolsets=default,administration")
        );
        Assert.Equal(
            ["administer", "delete_things", "echo_thing", "get_table", "get_thing", "list_tables", "read_trail", "stream_things"],
            await edge.ListAsync("?toolsets=all")
        );
        Assert.False((await edge.CallAsync("administer")).IsError());
        Assert.False((await edge.CallAsync("mutate", """{"operation":"administer"}""")).IsError());
    }

    [Theory]
    [InlineData("", "delete_things echo_thing|get_thing list_operations|mutate query|read_trail")]
    [InlineData("?surface=compact", "list_operations mutate|query")]
    public async Task A_long_list_comes_in_pages_that_together_are_the_whole(string query, string pages)
    {
        await using var edge = await EdgeFixture.StartAsync(settings: ("Edge:ListPage", "2"));
        string? cursor = null;
        foreach (var page in pages.Split('|'))
        {
            var result = await ListAsync(edge, query, cursor);
            Assert.Equal(
                page.Split(' '),
                result.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("name").GetString())
            );
            cursor = result.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }
        Assert.Null(cursor);
        Assert.Equal((await ListAsync(edge, query, null)).ToString(), (await ListAsync(edge, query, "")).ToString());
    }

    [Theory]
    [InlineData("zzz")]
    [InlineData("Z2V0X3RoaW5n")]
    [InlineData("\\u0000")]
    public async Task A_cursor_of_somebody_else_is_refused(string cursor)
    {
        await using var edge = await EdgeFixture.StartAsync();
        using var request = Post.ModernRequest(edge.Url, "tools/list", $"\"cursor\":\"{cursor}\"");
        request.Headers.Authorization = new("Bearer", edge.Token);
        using var response = await edge.Http.SendAsync(request, Token);
        var body = await response.JsonAsync();
        Assert.Equal(-32602, body.ErrorCode());
        Assert.Contains("not one of ours", body.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> ListAsync(EdgeFixture edge, string query, string? cursor)
    {
        using var request = Post.ModernRequest(new Uri(edge.Url + query), "tools/list", cursor is null ? "" : $"\"cursor\":\"{cursor}\"");
        request.Headers.Authorization = new("Bearer", edge.Token);
        using var response = await edge.Http.SendAsync(request, Token);
        return (await response.JsonAsync()).GetProperty("result");
    }

    private static void IsWider(JsonElement brief, JsonElement full)
    {
        foreach (var keyword in brief.EnumerateObject().Where(keyword => keyword.Name is not "properties" and not "items"))
        {
            Assert.True(full.TryGetProperty(keyword.Name, out var same) && JsonElement.DeepEquals(keyword.Value, same), keyword.ToString());
        }

        if (full.TryGetProperty("properties", out var properties) && brief.TryGetProperty("properties", out var listed))
        {
            Assert.Equal(properties.EnumerateObject().Select(p => p.Name), listed.EnumerateObject().Select(p => p.Name));
            foreach (var property in listed.EnumerateObject())
            {
                IsWider(property.Value, properties.GetProperty(property.Name));
            }
        }
        if (brief.TryGetProperty("items", out var items))
        {
            IsWider(items, full.GetProperty("items"));
        }
    }

    private static IEnumerable<string?> Names(PooledBuffer list)
    {
        using var document = JsonDocument.Parse($"{{{Encoding.UTF8.GetString(list.WrittenSpan)}}}");
        return [.. document.RootElement.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("name").GetString())];
    }
}
