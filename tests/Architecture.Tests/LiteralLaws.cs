using System.Text.RegularExpressions;
using Platform.Contracts;

namespace Platform.Architecture.Tests;

/// <summary>Names that clients see are constants of the contracts, so that a misspelled name does not compile.</summary>
public sealed partial class LiteralLaws
{
    private static readonly string[] _product =
    [
        "ServiceDefaults",
        "identity/Contracts",
        "identity/Service",
        "mcp-edge",
        "services/audit",
        "services/changes",
        "services/data",
        "services/directory",
    ];

    [Fact]
    public void A_reason_is_spelled_in_its_constant_alone() => Assert.Empty(Literals(Reasons.All.Keys));

    [Fact]
    public void A_scope_is_spelled_in_its_constant_alone() => Assert.Empty(Literals(Scopes.All));

    private static IEnumerable<string> Literals(IEnumerable<string> names)
    {
        var wanted = names.ToHashSet(StringComparer.Ordinal);
        return Repository
            .Files("*.cs", _product)
            .SelectMany(file =>
                Literal()
                    .Matches(File.ReadAllText(file))
                    .Select(match => match.Groups["text"].Value)
                    .Where(wanted.Contains)
                    .Select(name => $"{Repository.Relative(file)} spells {name}")
            );
    }

    [GeneratedRegex("\"(?<text>[A-Za-z][A-Za-z_.:]*)\"")]
    private static partial Regex Literal();
}
