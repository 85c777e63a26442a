using System.Text;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Lookups;
using Platform.Edge.Tools;
using Platform.Edge.Transcoding;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Resources;

/// <summary>
/// What stands behind <c>platform://</c>: documents of the edge, and data that a read tool answers. Reading the latter is a call of that
/// tool: the same rules, the same record in the audit log.
/// </summary>
internal sealed class ResourceCatalogue(ToolSurface surface, Lookup lookup)
{
    private const string Scheme = "platform://";
    private const string TableTool = "get_table";
    private const string ListTool = "list_tables";
    private const string EnvironmentMark = "env_";
    private const string Conventions = Scheme + "docs/conventions";
    private const string Operations = Scheme + "docs/tools";
    private static readonly TimeSpan _documentsLive = TimeSpan.FromMinutes(1);

    private static readonly Resource[] _documents =
    [
        new()
        {
            Uri = Conventions,
            Name = "conventions",
            Title = "How calls work",
            MimeType = "text/markdown",
            Description = "Environments, ids, pages, errors, safe repeats, confirmations.",
        },
        new()
        {
            Uri = Operations,
            Name = "tools",
            Title = "All tools",
            MimeType = "text/markdown",
            Description = "Every tool you can use, by toolset, also those that the list does not show.",
        },
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

    /// <summary>
    /// One page: the documents first, then the tables of each environment that this caller reaches behind this URL, in the order of the
    /// environments' ids. Every look for tables is a call of the tool that lists them.
    /// </summary>
    public async ValueTask<ListResourcesResult> ListAsync(Asker asker, int pageSize, string? cursor, CancellationToken cancellationToken)
    {
        var seesTables = lookup.CanUse(ListTool, asker) && lookup.CanUse(TableTool, asker);
        // Tables come and go with the work; the documents change with the release and the role.
        var result = new ListResourcesResult { TimeToLive = seesTables ? TimeSpan.Zero : _documentsLive };
        var at = cursor is null ? "" : ListCursor.Read(cursor);
        if (!at.StartsWith(EnvironmentMark, StringComparison.Ordinal))
        {
            var (documents, next) = ListCursor.Cut(_documents, document => document.Uri, pageSize, cursor);
            foreach (var document in documents)
            {
                result.Resources.Add(document);
            }

            result.NextCursor = next;
            at = "";
        }
        if (seesTables && result.NextCursor is null)
        {
            result.NextCursor = await AddTablesAsync(result.Resources, asker, pageSize, at, cancellationToken);
        }

        return result;
    }

    /// <summary>
    /// Fills the page with tables from this position on: an environment, a space and the tool's cursor. Returns where the next page begins.
    /// </summary>
    private async ValueTask<string?> AddTablesAsync(
        IList<Resource> page,
        Asker asker,
        int pageSize,
        string at,
        CancellationToken cancellationToken
    )
    {
        var start = at.Split(' ');
        var marker = PeoplesText.NewMarker();
        foreach (
            var environment in asker
                .Environments.Where(one => string.CompareOrdinal(one.EnvironmentId, start[0]) >= 0)
                .OrderBy(one => one.EnvironmentId, StringComparer.Ordinal)
        )
        {
            for (var cursor = environment.EnvironmentId == start[0] ? start[^1] : ""; cursor is not null; )
            {
                var here = ListCursor.Write($"{environment.EnvironmentId} {cursor}");
                if (page.Count >= pageSize)
                {
                    return here;
                }

                var found = await lookup.ReadAsync(
                    asker,
                    ListTool,
                    environment,
                    new(Limit: Math.Min(pageSize - page.Count, Lookup.MaxLimit), Cursor: cursor.Length > 0 ? cursor : null),
                    cancellationToken
                );
                // A caller whose rate is used up goes on here later; an empty page would only make the client ask at once.
                if (found.IsLimited && page.Count > 0)
                {
                    return here;
                }

                if (found.IsLimited)
                {
                    throw Lookup.Limited();
                }

                foreach (var table in found.Entries("tables"))
                {
                    page.Add(Table(table, environment, asker, marker));
                }

                cursor = found.NextCursor;
            }
        }
        return null;
    }

    private static Resource Table(JsonElement table, ReachableEnvironment environment, Asker asker, string marker)
    {
        var id = table.GetProperty("id"u8).GetString();
        // Clients show it, and models read it. The schema behind the URI has the name as it is.
        var name = PeoplesText.Harmless(table.GetProperty("name"u8).GetString()!);
        var written = table.TryGetProperty("description"u8, out var description) ? description.GetString() : "";
        return new()
        {
            Uri = asker.IsHere(environment) ? $"{Scheme}tables/{id}" : $"{Scheme}environments/{environment.EnvironmentId}/tables/{id}",
            Name = name,
            Title = name,
            MimeType = "application/json",
            Description =
                $"Schema of a table in an environment of kind {environment.Kind}. {PeoplesText.Warning(marker)}\n"
                + PeoplesText.Between(marker, string.IsNullOrEmpty(written) ? environment.Name : $"{environment.Name}: {written}"),
        };
    }

    /// <summary>The templates whose tool the caller can use behind this URL.</summary>
    public ListResourceTemplatesResult Templates(Asker asker, int pageSize, string? cursor)
    {
        var (page, next) = ListCursor.Cut(
            Usable(asker).OrderBy(template => template.UriTemplate, StringComparer.Ordinal),
            template => template.UriTemplate,
            pageSize,
            cursor
        );
        return new()
        {
            ResourceTemplates = [.. page],
            NextCursor = next,
            TimeToLive = _documentsLive,
        };
    }

    /// <summary>What stands for a variable of a template.</summary>
    /// <exception cref="McpProtocolException">There is no such template for this caller, or it has no such variable.</exception>
    public Completable Completes(string template, string variable, Asker asker) =>
        !Usable(asker).Any(one => one.UriTemplate == template)
            ? throw new McpProtocolException(
                $"There is no template '{template}' here. List them with resources/templates/list.",
                McpErrorCode.InvalidParams
            )
        : !template.Contains($"{{{variable}}}", StringComparison.Ordinal)
            ? throw new McpProtocolException($"{variable}: is not in the template {template}.", McpErrorCode.InvalidParams)
        : variable switch
        {
            "name" => Completable.Tool,
            "environment" => Completable.Environment,
            "tableId" => Completable.TableId,
            _ => Completable.Anything,
        };

    private IEnumerable<ResourceTemplate> Usable(Asker asker) =>
        lookup.CanUse(TableTool, asker) ? _tableTemplates.Append(_toolTemplate) : [_toolTemplate];

    /// <summary>What reading this URI means.</summary>
    public AskedFor Find(string uri)
    {
        var parts = uri.StartsWith(Scheme, StringComparison.Ordinal)
            ? uri[Scheme.Length..].Split('/').Select(Uri.UnescapeDataString).ToArray()
            : [];
        return parts switch
        {
            ["docs", "conventions" or "tools"] or ["tools", _] => new AskedFor(uri, null, default) { IsLocal = true },
            ["tables", var table] when surface.TryFind(TableTool, out var tool) => new AskedFor(uri, tool, Arguments(table, null)),
            ["environments", var environment, "tables", var table] when surface.TryFind(TableTool, out var tool) => new AskedFor(
                uri,
                tool,
                Arguments(table, environment)
            ),
            _ => new AskedFor(uri, null, default)
            {
                Refusal = new(RefusalForm.UnknownTool, Reasons.UnknownResource, "There is no such resource."),
            },
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
            _ => usable.FirstOrDefault(tool => uri == $"{Scheme}tools/{tool.Name}") is { } tool
                ? Text(uri, "application/json", Contract(tool), _documentsLive)
                : null,
        };
    }

    public static ReadResourceResult Text(string uri, string type, string text, TimeSpan live) =>
        new()
        {
            Contents =
            [
                new TextResourceContents
                {
                    Uri = uri,
                    MimeType = type,
                    Text = text,
                },
            ],
            TimeToLive = live,
        };

    private static JsonElement Arguments(string tableId, string? environment)
    {
        var arguments = new Dictionary<string, string> { ["tableId"] = tableId };
        if (environment is not null)
        {
            arguments[Contracts.Catalogue.SharedArguments.Environment] = environment;
        }

        return JsonSerializer.SerializeToElement(arguments);
    }

    private static string ToolsText(IEnumerable<ToolBinding> usable)
    {
        var text = new StringBuilder("# Tools\n");
        foreach (var toolset in usable.GroupBy(tool => tool.Toolset).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            text.Append($"\n## {toolset.Key}\n\n");
            foreach (var tool in toolset)
            {
                text.Append($"- `{tool.Name}` ({tool.Effect}): {tool.Definition.Description}\n");
            }
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
