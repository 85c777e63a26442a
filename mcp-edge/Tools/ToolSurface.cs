using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Platform.Contracts.Catalogue;
using Platform.Edge.Access;
using Platform.Edge.Protocol;

namespace Platform.Edge.Tools;

/// <summary>The named tools of all services. A second, compact surface over the same bindings has its place beside this one.</summary>
internal sealed class ToolSurface
{
    private readonly FrozenDictionary<string, ToolBinding> _byName;

    public ToolSurface(ToolCatalogue catalogue)
    {
        Tools = [.. catalogue.Tools.Select(tool => new ToolBinding(tool))];
        _byName = Tools.SelectMany(tool => tool.Definition.Options.Aliases.Prepend(tool.Name).Select(name => (name, tool)))
            .ToFrozenDictionary(pair => pair.name, pair => pair.tool, StringComparer.Ordinal);
        Toolsets = new SortedSet<string>(Tools.Select(tool => tool.Toolset), StringComparer.Ordinal);
        Services = [.. Tools.Select(tool => tool.Service).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Sorted by name, so that the list is the same each time.</summary>
    public IReadOnlyList<ToolBinding> Tools { get; }

    public IReadOnlySet<string> Toolsets { get; }

    /// <summary>The services that tools lead to.</summary>
    public IReadOnlyList<string> Services { get; }

    public bool TryFind(string name, [NotNullWhen(true)] out ToolBinding? tool) => _byName.TryGetValue(name, out tool);

    /// <summary>Writes the members of a list result with what this caller can use behind this URL.</summary>
    public PooledBuffer List(ResolvedCaller caller, UrlNarrowing narrowing, bool isModern)
    {
        var members = new PooledBuffer(16 * 1024);
        members.Write("\"tools\":["u8);
        var first = true;
        foreach (var tool in Tools)
        {
            if (!narrowing.Includes(tool) || !IsUsable(tool, caller, narrowing))
                continue;
            if (!first)
                members.Write(","u8);
            first = false;
            members.Write(tool.ListEntry);
        }
        members.Write("]"u8);
        if (isModern)
            members.Write(",\"ttlMs\":60000,\"cacheScope\":\"private\""u8);
        return members;
    }

    // What lacks only a scope is listed for those who can be granted it, so that calling it can step up. A personal token cannot grow.
    private static bool IsUsable(ToolBinding tool, ResolvedCaller caller, UrlNarrowing narrowing) =>
        (tool.Definition.IsRead || caller.WritesAllowed)
        && (narrowing.Environment.Length > 0 || !tool.Definition.IsEnvironmentBound
            ? caller.RolePermissions.Contains(tool.Scope)
            : caller.MayAnywhere(tool.Scope))
        && (!caller.IsPersonal || caller.Scopes.Contains(tool.Scope));
}
