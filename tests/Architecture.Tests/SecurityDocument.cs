using System.Text.RegularExpressions;

namespace Platform.Architecture.Tests;

public sealed partial class SecurityDocument
{
    [Fact]
    public void Every_test_that_it_names_is_there()
    {
        var tests = Repository
            .Files("*.cs", "tests")
            .SelectMany(file => Test().Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value))
            .ToHashSet();
        var named = Name()
            .Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "security.md")))
            .Select(match => match.Groups["name"].Value)
            .ToList();
        Assert.InRange(named.Count, 40, 200);
        Assert.Equal("", string.Join(", ", named.Except(tests)));
    }

    [GeneratedRegex(@"^    public (?:static )?(?:async )?(?:Task|void) (?<name>\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Test();

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z0-9]*_[A-Za-z0-9_]+)`")]
    private static partial Regex Name();
}
