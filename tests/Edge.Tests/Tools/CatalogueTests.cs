using System.Text.Json;
using Platform.Contracts;
using Platform.Edge.Catalogue;

namespace Platform.Edge.Tests.Tools;

/// <summary>Laws over every tool of the product.</summary>
public sealed class CatalogueTests
{
    private static readonly ToolSurface _surface = Product.Surface;

    private static readonly string[] _hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

    [Fact]
    public void The_edge_can_enforce_and_transcode_every_tool() => Assert.NotEmpty(_surface.Tools);

    [Fact]
    public void Every_tool_has_a_short_name_and_a_scope_that_tokens_can_have() => Assert.All(_surface.Tools, tool =>
        {
            Assert.Matches("^[a-z][a-z0-9_]{0,39}$", tool.Name);
            Assert.Contains(tool.Scope, Scopes.All);
        });

    [Fact]
    public void No_answer_has_a_field_that_the_edge_adds() =>
        Assert.All(_surface.Tools.Where(tool => tool.Definition.IsEnvironmentBound), tool =>
        {
            Assert.Null(tool.Definition.Method.OutputType.FindFieldByName("environment"));
            Assert.Null(tool.Definition.Method.OutputType.FindFieldByName("dry_run"));
            Assert.Null(tool.Definition.Method.OutputType.FindFieldByName("call_id"));
        });

    [Fact]
    public void Every_tool_sets_all_four_hints() => Assert.All(_surface.Tools, tool =>
        {
            using var entry = JsonDocument.Parse(tool.ListEntry(Product.PlainUrl));
            var hints = entry.RootElement.GetProperty("annotations");
            foreach (var hint in _hints)
            {
                Assert.True(hints.TryGetProperty(hint, out _));
            }

            Assert.Equal("object", entry.RootElement.GetProperty("inputSchema").GetProperty("type").GetString());
        });
}
