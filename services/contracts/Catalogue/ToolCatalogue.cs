using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Google.Protobuf.Reflection;

namespace Platform.Contracts.Catalogue;

/// <summary>All capabilities of one or several services, read from their contracts. Nothing is registered by hand.</summary>
public sealed class ToolCatalogue
{
    private readonly FrozenDictionary<string, ToolDefinition> _byName;
    private readonly FrozenDictionary<string, ToolDefinition> _byMethod;

    private ToolCatalogue(IEnumerable<ToolDefinition> tools)
    {
        Tools = [.. tools.OrderBy(tool => tool.Name, StringComparer.Ordinal)];
        _byName = Tools
            .SelectMany(tool => tool.Options.Aliases.Prepend(tool.Name).Select(name => (name, tool)))
            .ToFrozenDictionary(pair => pair.name, pair => pair.tool, StringComparer.Ordinal);
        _byMethod = Tools.ToFrozenDictionary(tool => tool.GrpcMethod, StringComparer.Ordinal);
    }

    /// <summary>Sorted by name.</summary>
    public IReadOnlyList<ToolDefinition> Tools { get; }

    /// <summary>Finds a tool by its name or one of its former names.</summary>
    public bool TryGetTool(string name, [NotNullWhen(true)] out ToolDefinition? tool) => _byName.TryGetValue(name, out tool);

    /// <summary>Finds a tool by its full gRPC method name.</summary>
    public bool TryGetMethod(string grpcMethod, [NotNullWhen(true)] out ToolDefinition? tool) =>
        _byMethod.TryGetValue(grpcMethod, out tool);

    /// <summary>
    /// Reads the contract of one service: the generated descriptors of <paramref name="contracts"/>, and the comments from the descriptor
    /// set embedded in it.
    /// </summary>
    /// <exception cref="InvalidOperationException">A tool or a field that a model sees has no comment.</exception>
    public static ToolCatalogue Of(string service, Assembly contracts)
    {
        var comments = ContractComments.Read(contracts);
        return new ToolCatalogue(
            Files(contracts)
                .SelectMany(file => file.Services)
                .SelectMany(declared => declared.Methods)
                .Where(method => method.GetOptions()?.HasExtension(OptionsExtensions.Tool) == true)
                .Select(method => new ToolDefinition(
                    service,
                    method.GetOptions().GetExtension(OptionsExtensions.Tool),
                    comments.GetValueOrDefault(method.FullName)
                        ?? throw new InvalidOperationException($"{method.FullName} has no comment; the model would not know what it does."),
                    method,
                    comments
                ))
        );
    }

    /// <summary>All tools of several services. A tool that more than one of them offers is one tool: a call of it goes to each.</summary>
    public static ToolCatalogue Join(params IEnumerable<ToolCatalogue> catalogues) =>
        new(
            catalogues
                .SelectMany(catalogue => catalogue.Tools)
                .GroupBy(tool => tool.GrpcMethod, StringComparer.Ordinal)
                .Select(tools =>
                    tools.First() with
                    {
                        Services = [.. tools.SelectMany(tool => tool.Services).Distinct(StringComparer.Ordinal)],
                    }
                )
        );

    private static IEnumerable<FileDescriptor> Files(Assembly contracts) =>
        contracts
            .GetTypes()
            .Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal) && type is { IsAbstract: true, IsSealed: true })
            .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null))
            .OfType<FileDescriptor>();
}
