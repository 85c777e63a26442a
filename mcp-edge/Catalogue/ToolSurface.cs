using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Platform.Contracts.Catalogue;
using Platform.Edge.Callers;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Catalogue;

/// <summary>The named tools of all services. The compact surface shows the same bindings in another way.</summary>
internal sealed class ToolSurface
{
    private readonly FrozenDictionary<string, ToolBinding> _byName;

    public ToolSurface(ToolCatalogue catalogue, IEnumerable<string> defaultToolsets)
    {
        Tools = [.. catalogue.Tools.Select(tool => new ToolBinding(tool))];
        _byName = Tools
            .SelectMany(tool => tool.Definition.Options.Aliases.Prepend(tool.Name).Select(name => (name, tool)))
            .ToFrozenDictionary(pair => pair.name, pair => pair.tool, StringComparer.Ordinal);
        Toolsets = new SortedSet<string>(Tools.Select(tool => tool.Toolset), StringComparer.Ordinal);
        DefaultToolsets = defaultToolsets.ToFrozenSet(StringComparer.Ordinal);
        Services = [.. Tools.SelectMany(tool => tool.Definition.Services).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Sorted by name, so that the list is the same each time.</summary>
    public IReadOnlyList<ToolBinding> Tools { get; }

    public IReadOnlySet<string> Toolsets { get; }

    /// <summary>
    /// What a URL without toolsets lists. Calling goes further: the list is what a model should have in mind, not a rule.
    /// </summary>
    public IReadOnlySet<string> DefaultToolsets { get; }

    /// <summary>The services that tools lead to.</summary>
    public IReadOnlyList<string> Services { get; }

    public bool TryFind(string name, [NotNullWhen(true)] out ToolBinding? tool) => _byName.TryGetValue(name, out tool);

    /// <summary>The members of a list result with one page of the named tools that this caller can use behind this URL.</summary>
    public PooledBuffer List(ResolvedCaller caller, UrlNarrowing narrowing, bool isModern, int pageSize, string? cursor)
    {
        var (page, next) = ListCursor.Cut(Listed(caller, narrowing), tool => tool.Name, pageSize, cursor);
        return Write(page.Select(tool => tool.ListEntry(narrowing)), isModern, next);
    }

    /// <summary>The named tools that are listed to this caller behind this URL, sorted by name.</summary>
    public IEnumerable<ToolBinding> Listed(ResolvedCaller caller, UrlNarrowing narrowing) =>
        Usable(caller, narrowing).Where(tool => narrowing.Toolsets is not null || IsListedByDefault(tool));

    /// <summary>What this caller can use behind this URL, sorted by name.</summary>
    public IEnumerable<ToolBinding> Usable(ResolvedCaller caller, UrlNarrowing narrowing) =>
        Tools.Where(tool => narrowing.Includes(tool) && IsUsable(tool, caller, narrowing));

    // What lacks only a scope is listed for those who can be granted it, so that calling it can step up. A personal token cannot grow.
    public static bool IsUsable(ToolBinding tool, ResolvedCaller caller, UrlNarrowing narrowing) =>
        (tool.Definition.IsRead || caller.WritesAllowed)
        && (
            narrowing.Environment.Length > 0 || !tool.Definition.IsEnvironmentBound
                ? caller.RolePermissions.Contains(tool.Scope)
                : caller.MayAnywhere(tool.Scope)
        )
        && (!caller.IsPersonal || caller.Scopes.Contains(tool.Scope));

    // Administration is for those whose URL names its toolset: nobody else is asked for its scopes.
    private bool IsListedByDefault(ToolBinding tool) =>
        DefaultToolsets.Contains(tool.Toolset) && !Contracts.Scopes.Administrative.Contains(tool.Scope);

    public static PooledBuffer Write(IEnumerable<byte[]> entries, bool isModern, string? next)
    {
        var members = new PooledBuffer(16 * 1024);
        members.Write("\"tools\":["u8);
        var first = true;
        foreach (var entry in entries)
        {
            if (!first)
            {
                members.Write(","u8);
            }

            first = false;
            members.Write(entry);
        }
        members.Write("]"u8);
        if (next is not null)
        {
            members.Write(System.Text.Encoding.ASCII.GetBytes($",\"nextCursor\":\"{next}\""));
        }

        if (isModern)
        {
            members.Write(",\"ttlMs\":60000,\"cacheScope\":\"private\""u8);
        }

        return members;
    }
}
