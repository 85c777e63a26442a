using System.Text.Json;
using ModelContextProtocol;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Tools;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Compact;

/// <summary>Answers <c>list_operations</c>: what there is, found by words, or all about one.</summary>
internal static class OperationList
{
    private const int PageSize = 50;

    /// <param name="call">A call of list_operations whose arguments have the right form.</param>
    /// <param name="usable">What the caller can use, sorted by name.</param>
    /// <returns>The answer, or the refusal in its place.</returns>
    public static (PooledBuffer? Answer, PolicyRefusal? Refusal) Answer(EdgeCall call, IReadOnlyList<ToolBinding> usable)
    {
        if (call.Text("name") is { Length: > 0 } name)
        {
            return usable.FirstOrDefault(tool => tool.Name == name || tool.Definition.Options.Aliases.Contains(name)) is { } tool
                ? (Write(json => WriteOne(json, tool)), null)
                : (null, PolicyRefusal.UnknownOperation(name));
        }
        var toolsets = usable.Select(tool => tool.Toolset).Distinct().Order(StringComparer.Ordinal).ToList();
        var toolset = call.Text("toolset") ?? "";
        if (toolset.Length > 0 && !toolsets.Contains(toolset))
        {
            return (
                null,
                new(
                    RefusalForm.ToolError,
                    Reasons.UnknownToolset,
                    $"There is no toolset '{toolset}' here.",
                    $"Use one of: {string.Join(", ", toolsets)}."
                )
            );
        }

        var found = Find(usable, call.Text("search") ?? "").Where(tool => toolset.Length == 0 || tool.Toolset == toolset);
        try
        {
            var (page, next) = ListCursor.Cut(found, tool => tool.Name, PageSize, call.Text("cursor"));
            return (Write(json => WritePage(json, page, next, toolsets)), null);
        }
        catch (McpProtocolException exception)
        {
            return (null, PolicyRefusal.InvalidArgument(exception.Message));
        }
    }

    /// <summary>The operations that have every word, in whatever form, in what is told about them.</summary>
    internal static IEnumerable<ToolBinding> Find(IEnumerable<ToolBinding> tools, string search)
    {
        var words = SearchWord.In(search);
        return tools.Where(tool =>
            words.All(word =>
                word.IsIn(tool.Name)
                || word.IsIn(tool.Toolset)
                || word.IsIn(tool.Definition.Options.Title)
                || word.IsIn(tool.Definition.Description)
            )
        );
    }

    private static void WritePage(Utf8JsonWriter json, IReadOnlyList<ToolBinding> page, string? next, List<string> toolsets)
    {
        json.WriteStartArray("operations"u8);
        foreach (var tool in page)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, tool.Name);
            json.WriteString("title"u8, tool.Definition.Options.Title);
            json.WriteString("toolset"u8, tool.Toolset);
            json.WriteString("effect"u8, tool.Effect);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("page"u8);
        json.WriteBoolean("hasMore"u8, next is not null);
        if (next is not null)
        {
            json.WriteString("nextCursor"u8, next);
        }

        json.WriteEndObject();
        if (page.Count == 0)
        {
            json.WriteString("hint"u8, $"Nothing matches. Use fewer words, or a toolset: {string.Join(", ", toolsets)}.");
        }
    }

    private static void WriteOne(Utf8JsonWriter json, ToolBinding tool)
    {
        json.WriteStartObject("operation"u8);
        tool.WriteDetails(json);
        json.WriteString("callWith"u8, tool.Definition.IsRead ? CompactSurface.Query : CompactSurface.Mutate);
        json.WriteEndObject();
    }

    private static PooledBuffer Write(Action<Utf8JsonWriter> write)
    {
        using var json = new PooledBuffer(8 * 1024);
        using (var writer = new Utf8JsonWriter(json, ToolAnswers.Relaxed))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        return ToolAnswers.Own(json);
    }
}
