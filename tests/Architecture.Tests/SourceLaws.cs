using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Platform.Architecture.Tests;

/// <summary>What holds for the projects and the files of the checkout.</summary>
public sealed partial class SourceLaws
{
    private static readonly string[] _product = ["AppHost", "ServiceDefaults", "services", "identity", "mcp-edge"];

    [Fact]
    public void A_product_project_is_the_same_wherever_it_is_built()
    {
        foreach (var project in Repository.Files("*.csproj", _product))
        {
            Assert.False(
                File.ReadAllText(project).Contains("Condition=", StringComparison.Ordinal),
                $"{Repository.Relative(project)} has a condition"
            );
        }
    }

    [Fact]
    public void A_service_references_contracts_and_service_defaults_only()
    {
        foreach (var project in Repository.Files("*.csproj", "services", "identity", "mcp-edge"))
        {
            foreach (var reference in References(project))
            {
                Assert.True(
                    reference.EndsWith(".Contracts.csproj", StringComparison.Ordinal)
                        || reference.EndsWith("Platform.ServiceDefaults.csproj", StringComparison.Ordinal)
                        || reference.EndsWith("Platform.Changes.Undo.csproj", StringComparison.Ordinal),
                    $"{Repository.Relative(project)} references {reference}"
                );
            }
        }
    }

    [Theory]
    [InlineData("services/audit/Service")]
    [InlineData("services/data/Service")]
    [InlineData("services/directory/Service", "Identity")]
    [InlineData("identity/Service", "Audit", "Directory")]
    [InlineData("mcp-edge", "Audit", "Data", "Directory", "Identity")]
    public void A_service_knows_the_contracts_of_those_alone_that_it_calls(string folder, params string[] called)
    {
        var own = folder.Split('/') is [.., var name, "Service"] ? name : null;
        Assert.All(
            References(Assert.Single(Repository.Files("*.csproj", folder))).Where(reference => reference.EndsWith(".Contracts.csproj")),
            reference => Assert.Contains(reference.Split('/', '.')[^3], called.Append(own), StringComparer.OrdinalIgnoreCase)
        );
    }

    /// <summary>Without them, normalization silently returns what it was given.</summary>
    [Theory]
    [InlineData("services/data/Service")]
    [InlineData("services/directory/Service")]
    public void A_service_that_keeps_names_and_texts_runs_with_the_tables_of_unicode(string folder) =>
        Assert.Contains(
            "<InvariantGlobalization>false</InvariantGlobalization>",
            File.ReadAllText(Assert.Single(Repository.Files("*.csproj", folder))),
            StringComparison.Ordinal
        );

    [Fact]
    public void The_edge_knows_no_sql()
    {
        var edge = Assert.Single(Repository.Files("*.csproj", "mcp-edge"));
        Assert.DoesNotContain("Npgsql", File.ReadAllText(edge), StringComparison.Ordinal);
        Assert.All(Repository.Files("*.cs", "mcp-edge"), file =>
            Assert.DoesNotContain("Npgsql", File.ReadAllText(file), StringComparison.Ordinal)
        );
    }

    [Fact]
    public void MassTransit_appears_in_service_defaults_only() =>
        Assert.All(Repository.Files("*.cs", "AppHost", "services", "identity", "mcp-edge"), file =>
            Assert.DoesNotContain("using MassTransit", File.ReadAllText(file), StringComparison.Ordinal)
        );

    [Fact]
    public void A_file_is_at_most_400_lines()
    {
        var long_ = Repository
            .Files("*.cs", [.. _product, "tests"])
            .Select(file => (File: Repository.Relative(file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > 400);
        Assert.Empty(long_);
    }

    // A test that needs a longer text as it is splits it, or keeps it in a raw string.
    [Fact]
    public void A_line_is_at_most_140_columns() =>
        Assert.Empty(
            Repository
                .Files("*.cs", [.. _product, "tests", "bench"])
                .Where(file => File.ReadLines(file).Any(line => line.Length > 140))
                .Select(Repository.Relative)
        );

    // A column that is added in the middle of a query must not shift the others. The single column of a scalar has no name.
    [Fact]
    public void A_result_is_read_by_name() =>
        Assert.All(Repository.Files("*.cs", "ServiceDefaults", "services/audit", "services/changes"), file =>
            Assert.DoesNotMatch(ReadByPosition(), File.ReadAllText(file))
        );

    [Fact]
    public void Nothing_is_left_for_later_in_a_comment() =>
        Assert.All(
            Repository.Files("*.cs", [.. _product, "tests"]).Where(file => !file.EndsWith("SourceLaws.cs", StringComparison.Ordinal)),
            file => Assert.DoesNotMatch(LeftForLater(), File.ReadAllText(file))
        );

    private static IEnumerable<string> References(string project) =>
        XDocument.Load(project).Descendants("ProjectReference").Select(reference => reference.Attribute("Include")!.Value);

    [GeneratedRegex(@"\b(row|reader)(\[\d|\.(?!GetValue\()\w+(<[^(]*>)?\(\d+\))")]
    private static partial Regex ReadByPosition();

    [GeneratedRegex(@"\bTODO\b|\bFIXME\b|#region")]
    private static partial Regex LeftForLater();
}
