using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Platform.Architecture.Tests;

/// <summary>What holds for the documents of the checkout.</summary>
public sealed partial class DocumentLaws
{
    private static readonly string[] _folders = ["docs", "identity", "services", "mcp-edge", "AppHost", "deploy", "bench"];

    private static IEnumerable<string> Documents =>
        System.IO.Directory.EnumerateFiles(Repository.Root, "*.md").Concat(Repository.Files("*.md", _folders));

    [Fact]
    public void A_link_to_a_file_leads_to_one_and_its_anchor_to_a_heading()
    {
        var links = Documents
            .SelectMany(file =>
                Link().Matches(Code().Replace(File.ReadAllText(file), "")).Select(link => (file, to: link.Groups["to"].Value))
            )
            .Where(link => !link.to.StartsWith("http", StringComparison.Ordinal))
            .ToList();
        Assert.InRange(links.Count, 20, 10_000);
        Assert.Empty(links.Where(link => !Exists(link.file, link.to)).Select(link => $"{Repository.Relative(link.file)}: {link.to}"));
    }

    [Fact]
    public void The_version_that_the_server_reports_has_an_entry_in_the_changelog()
    {
        var version = XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;
        Assert.Matches(
            $@"(?m)^## \[{Regex.Escape(version)}\] - \d{{4}}-\d\d-\d\d$",
            File.ReadAllText(Path.Combine(Repository.Root, "CHANGELOG.md"))
        );
    }

    private static bool Exists(string file, string to)
    {
        var parts = to.Split('#', 2);
        var target = parts[0].Length == 0 ? file : Path.Combine(Path.GetDirectoryName(file)!, parts[0]);
        return parts.Length == 1
            ? Path.Exists(target)
            : File.Exists(target)
                && Heading().Matches(File.ReadAllText(target)).Any(heading => Anchor(heading.Groups["text"].Value) == parts[1]);
    }

    // As GitHub makes it of a heading.
    private static string Anchor(string heading) => NoAnchor().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\((?<to>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("```.*?```", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex("^#+ (?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoAnchor();
}
