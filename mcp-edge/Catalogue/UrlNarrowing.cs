using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.WebUtilities;
using Platform.Contracts;

namespace Platform.Edge.Catalogue;

/// <summary>What the query of the endpoint's URL leaves of it. It can only narrow.</summary>
/// <param name="Toolsets">Null: the default ones are listed, all can be called.</param>
/// <param name="Environment">Empty: the caller chooses, or gets the default.</param>
/// <param name="Workspace">Empty: the caller's only one.</param>
/// <param name="IsCompact">Four tools that reach every operation, in place of one tool for each.</param>
/// <param name="Scopes">What a token needs for all that is left, in the order of the contract.</param>
internal sealed record UrlNarrowing(
    IReadOnlySet<string>? Toolsets,
    bool ReadOnly,
    string Environment,
    string Workspace,
    bool IsCompact,
    string Scopes
)
{
    /// <summary>Whether schemas are listed in the subset that strict function calling allows.</summary>
    public bool IsStrict { get; init; }

    /// <summary>
    /// Whether every operation can be found and called by list_operations, query and mutate: beside the default tools of a plain URL, so
    /// that nothing is out of reach there, and in the compact surface.
    /// </summary>
    public bool ShowsOperations => IsCompact || Toolsets is null;

    public bool Includes(ToolBinding tool) =>
        (Toolsets is null || Toolsets.Contains(tool.Toolset)) && !(ReadOnly && !tool.Definition.IsRead);
}

/// <summary>Reads and remembers narrowings. A URL that asks for something unknown is refused, not half understood.</summary>
internal sealed class UrlNarrowings(ToolSurface surface)
{
    private const int MaxRemembered = 1000;

    private readonly ConcurrentDictionary<string, UrlNarrowing> _known = new(StringComparer.Ordinal);

    public bool TryRead(QueryString query, [NotNullWhen(true)] out UrlNarrowing? narrowing, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (_known.TryGetValue(query.Value ?? "", out narrowing))
        {
            return true;
        }

        problem = Read(query, out narrowing);
        if (narrowing is null)
        {
            return false;
        }

        if (_known.Count < MaxRemembered)
        {
            _known[query.Value ?? ""] = narrowing;
        }

        problem = null;
        return true;
    }

    private string Read(QueryString query, out UrlNarrowing? narrowing)
    {
        narrowing = null;
        HashSet<string>? toolsets = null;
        var readOnly = false;
        var environment = "";
        var workspace = "";
        var compact = false;
        var strict = false;
        foreach (var (key, values) in QueryHelpers.ParseQuery(query.Value))
        {
            if (values.Count != 1)
            {
                return $"The query key '{Clean(key)}' stands there more than once.";
            }

            var value = values[0]!;
            switch (key)
            {
                case "toolsets":
                    if (ReadToolsets(value, out toolsets) is { } unknown)
                    {
                        return unknown;
                    }

                    break;
                case "readOnly" when value is "true" or "false":
                    readOnly = value == "true";
                    break;
                case "readOnly":
                    return "The query key 'readOnly' takes true or false.";
                case "surface" when value is "named" or "compact":
                    compact = value == "compact";
                    break;
                case "surface":
                    return "The query key 'surface' takes named or compact.";
                case "schemas" when value is "brief" or "strict":
                    strict = value == "strict";
                    break;
                case "schemas":
                    return "The query key 'schemas' takes brief or strict.";
                case "environment" when IsName(value):
                    environment = value;
                    break;
                case "workspace" when Ids.TryParse("wks", value, out _):
                    workspace = value;
                    break;
                case "workspace":
                    return "The query key 'workspace' takes an id such as wks_….";
                case "environment":
                    return "The query key 'environment' takes the id, name or kind of an environment.";
                default:
                    return $"The query key '{Clean(key)}' is not known. "
                        + "Known keys: environment, readOnly, schemas, surface, toolsets, workspace.";
            }
        }
        narrowing = new UrlNarrowing(toolsets, readOnly, environment, workspace, compact, ScopesOf(toolsets, readOnly))
        {
            IsStrict = strict,
        };
        return "";
    }

    private string? ReadToolsets(string value, out HashSet<string> toolsets)
    {
        toolsets = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (name == "all")
            {
                toolsets.UnionWith(surface.Toolsets);
            }
            else if (name == "default")
            {
                toolsets.UnionWith(surface.DefaultToolsets);
            }
            else if (!surface.Toolsets.Contains(name))
            {
                return $"There is no toolset '{Clean(name)}'. {Known}";
            }
            else
            {
                toolsets.Add(name);
            }
        }
        return toolsets.Count > 0 ? null : $"The query key 'toolsets' takes names with commas. {Known}";
    }

    private string Known => $"Known toolsets: {string.Join(", ", surface.Toolsets)}; or default, or all.";

    private string ScopesOf(HashSet<string>? toolsets, bool readOnly)
    {
        var needed = surface
            .Tools.Where(tool => (toolsets is null || toolsets.Contains(tool.Toolset)) && (!readOnly || tool.Definition.IsRead))
            .Select(tool => tool.Scope)
            .ToHashSet(StringComparer.Ordinal);
        // Administration is asked for only by those whose URL names its toolset.
        return string.Join(' ', (toolsets is null ? Scopes.Ordinary : Scopes.All).Where(needed.Contains));
    }

    private static bool IsName(string value) => value.Length is > 0 and <= 100 && !value.Any(char.IsControl);

    private static string Clean(string text) => new([.. text.Where(c => c is >= ' ' and <= '~' and not '"').Take(60)]);
}
