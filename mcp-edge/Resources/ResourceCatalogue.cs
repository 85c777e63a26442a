using System.Text;
using System.Text.Json;
using ModelContextProtocol.Protocol;
using Platform.Edge.Access;
using Platform.Edge.Protocol;
using Platform.Edge.Tools;

namespace Platform.Edge.Resources;

/// <summary>
/// What stands behind <c>platform://</c>: documents of the edge, and data that a read tool answers. Reading the latter is a call of that
/// tool: the same rules, the same record in the audit log.
/// </summary>
internal sealed class ResourceCatalogue(ToolSurface surface)
{
    private const string Scheme = "platform://";
    private const string TableTool = "get_table";
    private const string Conventions = Scheme + "docs/conventions";
    private const string Operations = Scheme + "docs/tools";
    private static readonly TimeSpan _documentsLive = TimeSpan.FromMinutes(1);

    private static readonly Resource[] _documents =
    [
        new() { Uri = Conventions, Name = "conventions", Title = "How calls work", MimeType = "text/markdown", Description = "Environments, ids, pages, errors, safe repeats, confirmations." },
        new() { Uri = Operations, Name = "tools", Title = "All tools", MimeType = "text/markdown", Description = "Every tool you can use, by toolset, also those that the list does not show." },
    ];

    private static readonly ResourceTemplate _toolTemplate = new()
    {
        UriTemplate = Scheme + "tools/{name}",
        Name = "tool",
        Title = "Contract of a tool",
        MimeType = "application/json",
        Description = "One tool with the full schemas of its arguments and its answer.",
    };

    private static readonly ResourceTemplate[] _tableTemplates =
    [
        new()
        {
            UriTemplate = Scheme + "tables/{tableId}",
            Name = "table",
            Title = "Schema of a table",
            MimeType = "application/json",
            Description = "A table of the default environment with all its fields. Ids: list_tables.",
        },
        new()
        {
            UriTemplate = Scheme + "environments/{environment}/tables/{tableId}",
            Name = "table-of-environment",
            Title = "Schema of a table of an environment",
            MimeType = "application/json",
            Description = "As tables/{tableId}, for the environment with this id or name.",
        },
    ];

    public static ListResourcesResult List(int pageSize, string? cursor)
    {
        var (page, next) = ListCursor.Cut(_documents, document => document.Uri, pageSize, cursor);
        return new() { Resources = [.. page], NextCursor = next, TimeToLive = _documentsLive };
    }

    /// <summary>The templates whose tool the caller can use behind this URL.</summary>
    public ListResourceTemplatesResult Templates(ResolvedCaller caller, UrlNarrowing narrowing, int pageSize, string? cursor)
    {
        var usable = surface.TryFind(TableTool, out var tool) && narrowing.Includes(tool) && ToolSurface.IsUsable(tool, caller, narrowing)
            ? _tableTemplates.Append(_toolTemplate)
            : [_toolTemplate];
        var (page, next) = ListCursor.Cut(usable.OrderBy(template => template.UriTemplate, StringComparer.Ordinal), template => template.UriTemplate, pageSize, cursor);
        return new() { ResourceTemplates = [.. page], NextCursor = next, TimeToLive = _documentsLive };
    }

    /// <summary>What reading this URI means.</summary>
    public AskedFor Find(string uri)
    {
        var parts = uri.StartsWith(Scheme, StringComparison.Ordinal) ? uri[Scheme.Length..].Split('/').Select(Uri.UnescapeDataString).ToArray() : [];
        return parts switch
        {
            ["docs", "conventions" or "tools"] or ["tools", _] => new AskedFor(uri, null, default) { IsLocal = true },
            ["tables", var table] when surface.TryFind(TableTool, out var tool) => new AskedFor(uri, tool, Arguments(table, null)),
            ["environments", var environment, "tables", var table] when surface.TryFind(TableTool, out var tool) =>
                new AskedFor(uri, tool, Arguments(table, environment)),
            _ => new AskedFor(uri, null, default) { Refusal = new(RefusalForm.UnknownTool, "UNKNOWN_RESOURCE", "There is no such resource.") },
        };
    }

    /// <summary>A document of the edge itself; null when there is none for this caller.</summary>
    public ReadResourceResult? Read(string uri, ResolvedCaller caller, UrlNarrowing narrowing)
    {
        var usable = surface.Usable(caller, narrowing);
        return uri switch
        {
            Conventions => Text(uri, "text/markdown", ConventionsText.Value, _documentsLive),
            Operations => Text(uri, "text/markdown", ToolsText(usable), _documentsLive),
            _ => usable.FirstOrDefault(tool => uri == $"{Scheme}tools/{tool.Name}") is { } tool ? Text(uri, "application/json", Contract(tool), _documentsLive) : null,
        };
    }

    public static ReadResourceResult Text(string uri, string type, string text, TimeSpan live) =>
        new() { Contents = [new TextResourceContents { Uri = uri, MimeType = type, Text = text }], TimeToLive = live };

    private static JsonElement Arguments(string tableId, string? environment)
    {
        var arguments = new Dictionary<string, string> { ["tableId"] = tableId };
        if (environment is not null)
            arguments[Contracts.Catalogue.SharedArguments.Environment] = environment;
        return JsonSerializer.SerializeToElement(arguments);
    }

    private static string ToolsText(IEnumerable<ToolBinding> usable)
    {
        var text = new StringBuilder("# Tools\n");
        foreach (var toolset in usable.GroupBy(tool => tool.Toolset).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            text.Append($"\n## {toolset.Key}\n\n");
            foreach (var tool in toolset)
                text.Append($"- `{tool.Name}` ({tool.Effect}): {tool.Definition.Description}\n");
        }
        return text.ToString();
    }

    private static string Contract(ToolBinding tool)
    {
        using var buffer = new PooledBuffer(8 * 1024);
        using (var json = new Utf8JsonWriter(buffer, ToolAnswers.Relaxed))
        {
            json.WriteStartObject();
            tool.WriteDetails(json);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
