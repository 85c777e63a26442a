using System.Text.RegularExpressions;
using Platform.Contracts;

namespace Platform.Architecture.Tests;

/// <summary>A refusal of an id names the tool that finds the right one.</summary>
public sealed partial class FinderLaws
{
    // People manage these in the governance API, which has no tools.
    private static readonly string[] _ofPeople = ["personal token", "session"];

    [Fact]
    public void Every_kind_that_can_be_missing_has_a_tool_that_finds_it()
    {
        var kinds = Repository
            .Files("*.cs", "services", "identity/Service")
            .SelectMany(file => NotFound().Matches(File.ReadAllText(file)).Select(match => match.Groups["kind"].Value))
            .Distinct()
            .Except(_ofPeople)
            .ToList();
        Assert.InRange(kinds.Count, 10, 100);
        Assert.Empty(kinds.Except(Finder.All.Select(finder => finder.Kind)));
    }

    [Fact]
    public void A_finder_is_a_tool_of_the_place_where_it_looks() => Assert.All(Finder.All, finder =>
        {
            Assert.True(Repository.Catalogue.TryGetTool(finder.Tool, out var tool), finder.Tool);
            Assert.True(tool.IsRead);
            Assert.Equal(finder.IsOfEnvironment, tool.IsEnvironmentBound);
        });

    [GeneratedRegex(@"Problem\.NotFound\(\s*""(?<kind>[a-z ]+)""")]
    private static partial Regex NotFound();
}
