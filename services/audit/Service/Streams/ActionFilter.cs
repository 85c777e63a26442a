using System.Text.RegularExpressions;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Streams;

/// <summary>Actions by name, or by a prefix that ends in a star.</summary>
internal sealed partial class ActionFilter(IReadOnlyCollection<string> patterns)
{
    public IReadOnlyList<string> Exact { get; } = [.. patterns.Where(pattern => !pattern.EndsWith('*'))];

    public IReadOnlyList<string> Prefixes { get; } = [.. patterns.Where(pattern => pattern.EndsWith('*')).Select(pattern => pattern[..^1])];

    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: one of them is neither.</exception>
    public static ActionFilter Parse(IReadOnlyCollection<string> patterns, string field) =>
        patterns.FirstOrDefault(pattern => !Form().IsMatch(pattern)) is { } wrong
            ? throw Problem.Invalid(
                field,
                $"'{wrong}' is neither an action nor a prefix",
                "Send names such as organization.created, or prefixes such as organization.*"
            )
            : new ActionFilter(patterns);

    /// <summary>No pattern lets everything pass.</summary>
    public bool Passes(string action) =>
        Exact.Count + Prefixes.Count == 0
        || Exact.Contains(action)
        || Prefixes.Any(prefix => action.StartsWith(prefix, StringComparison.Ordinal));

    [GeneratedRegex(@"^[a-z0-9_.]{1,100}\*?$")]
    private static partial Regex Form();
}
