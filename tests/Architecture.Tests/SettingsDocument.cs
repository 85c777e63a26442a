using System.Text;
using System.Text.RegularExpressions;

namespace Platform.Architecture.Tests;

/// <summary>
/// The tables of settings in docs/operations.md are made from the options in the sources: name, default, and the first sentence of the
/// comment. UPDATE_SNAPSHOTS=1 writes them again.
/// </summary>
public sealed partial class SettingsDocument
{
    private const string Begin = "<!-- settings: made by UPDATE_SNAPSHOTS=1 ./test Architecture -->\n";
    private const string End = "<!-- /settings -->\n";

    // Where each is bound. Demo members exist in Development only.
    private static readonly (string Service, string Section, string File)[] _options =
    [
        ("edge", "Edge", "mcp-edge/Http/McpEndpointOptions.cs"),
        ("edge", "Edge:Access", "mcp-edge/Callers/AccessOptions.cs"),
        ("edge", "Edge:Audit", "mcp-edge/Audit/AuditOptions.cs"),
        ("identity", "Keycloak", "identity/Service/Keycloak/KeycloakOptions.cs"),
        ("identity", "Keycloak:Clients:<client id>", "identity/Service/Keycloak/ClientOptions.cs"),
        ("identity", "Assertions", "identity/Service/Assertions/AssertionOptions.cs"),
        ("identity", "Members", "identity/Service/Callers/MemberOptions.cs"),
        ("identity", "PersonalTokens", "identity/Service/PersonalTokens/PersonalTokenOptions.cs"),
        ("directory", "Mail", "services/directory/Service/Mail/MailOptions.cs"),
        ("data", "Indexes", "services/data/Service/Indexes/IndexOptions.cs"),
        ("audit", "Audit:Sinks", "services/audit/Service/Sinks/SinkOptions.cs"),
    ];

    private static string Document => Path.Combine(Repository.Root, "docs", "operations.md");

    [Fact]
    public void The_tables_of_settings_are_those_of_the_sources()
    {
        var text = File.ReadAllText(Document);
        var start = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var end = text.IndexOf(End, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            File.WriteAllText(Document, text[..start] + Tables() + text[end..]);
            return;
        }

        Assert.Equal(Tables(), text[start..end]);
    }

    [Fact]
    public void No_options_are_bound_that_the_tables_leave_out()
    {
        var bound = Repository
            .Files("*.cs", "ServiceDefaults", "identity", "services", "mcp-edge")
            .SelectMany(file => Bound().Matches(File.ReadAllText(file)).Select(match => match.Groups["type"].Value))
            .Distinct()
            .Order(StringComparer.Ordinal);
        var known = _options.SelectMany(options =>
            Declared().Matches(File.ReadAllText(Path.Combine(Repository.Root, options.File))).Select(match => match.Groups["type"].Value)
        );
        Assert.Empty(bound.Except(known).Except(["DemoOptions"]));
    }

    [Fact]
    public void Options_are_bound_in_one_way() =>
        Assert.Equal(
            ["SettingsExtensions.cs"],
            Repository
                .Files("*.cs", "ServiceDefaults", "identity", "services", "mcp-edge")
                .Where(file => OtherBinding().IsMatch(File.ReadAllText(file)))
                .Select(Path.GetFileName)
        );

    [Fact]
    public void Every_metric_of_ours_is_explained()
    {
        var text = File.ReadAllText(Document);
        var metrics = Repository
            .Files("*.cs", "ServiceDefaults", "identity", "services", "mcp-edge")
            .SelectMany(file => Instrument().Matches(File.ReadAllText(file)))
            .ToList();
        Assert.NotEmpty(metrics);
        Assert.All(metrics, metric =>
        {
            var name =
                metric.Groups["name"].Value.Replace('.', '_')
                + (
                    metric.Groups["kind"].Value == "Counter" ? "_total"
                    : metric.Groups["unit"].Value == "s" ? "_seconds"
                    : ""
                );
            Assert.Contains($"`{name}`", text, StringComparison.Ordinal);
        });
    }

    private static string Tables()
    {
        var text = new StringBuilder();
        foreach (var service in _options.GroupBy(options => options.Service))
        {
            text.Append($"\n### {service.Key}\n\n| Setting | Default | What it does |\n|---|---|---|\n");
            foreach (var (_, section, file) in service)
            {
                var rows = Property().Matches(File.ReadAllText(Path.Combine(Repository.Root, file)));
                Assert.NotEmpty(rows);
                // Those of a kind of its own have rows of their own.
                foreach (var row in rows.Where(row => row.Groups["type"].Value != "Dictionary<string, ClientOptions>"))
                {
                    var meaning = Tag()
                        .Replace(Comment().Replace(row.Groups["comment"].Value, " "), match => $"`{match.Groups["text"].Value}`")
                        .Trim();
                    meaning = Space()
                        .Replace(
                            meaning.Replace("<summary>", "", StringComparison.Ordinal).Replace("</summary>", "", StringComparison.Ordinal),
                            " "
                        )
                        .Trim();
                    Assert.True(meaning.Length > 0, $"{section}:{row.Groups["name"].Value} has no comment in {file}.");
                    var value = Default(row.Groups["type"].Value, row.Groups["default"].Value);
                    text.Append($"| `{section}:{row.Groups["name"].Value}` | {value} | {meaning} |\n");
                }
            }
        }

        return text.Append('\n').ToString();
    }

    private static string Default(string type, string source) =>
        source.Trim() switch
        {
            "" => type == "bool" ? "`false`" : "has to be set",
            "\"\"" or "[]" => "none",
            ['"', ..] value => $"`{value.Trim('"')}`",
            "true" => "`true`",
            var value when value.StartsWith("Path.", StringComparison.Ordinal) => "`spool` beside the program",
            var value when Span().Match(value) is { Success: true } span => $"{span.Groups["count"].Value} {Unit(span)}",
            "4 * 1024 * 1024" => "4 MiB",
            "64 * 1024 * 1024" => "64 MiB",
            var value => value.Replace("_", "", StringComparison.Ordinal),
        };

    private static string Unit(Match span) =>
        span.Groups["unit"].Value switch
        {
            "Milliseconds" => "ms",
            "Seconds" => "s",
            "Minutes" => "min",
            var unit => unit.ToLowerInvariant(),
        };

    [GeneratedRegex(
        @"(?<comment>(?:^ +///[^\n]*\n)*)(?:^ +\[[^\n]*\]\n)*"
            + @"^    public (?<type>[\w<>,?\[\] ]+?) (?<name>\w+) \{ get; (?:init|set); \}(?: = (?<default>[^\n]*);)?$",
        RegexOptions.Multiline
    )]
    private static partial Regex Property();

    [GeneratedRegex(@"^ +///", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex("<see cref=\"(?<text>[^\"]+)\"/?>|<c>(?<text>[^<]*)</c>| ?/>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"TimeSpan\.From(?<unit>\w+)\((?<count>[\d.]+)\)")]
    private static partial Regex Span();

    [GeneratedRegex("""PlatformMeter\.Instance\.Create(?<kind>\w+)<\w+>\(\s*"(?<name>[\w.]+)"(?:,\s*"(?<unit>[^"]*)")?""")]
    private static partial Regex Instrument();

    [GeneratedRegex(@"\.AddSettings<(?<type>\w+)>\(")]
    private static partial Regex Bound();

    [GeneratedRegex(@"\.BindConfiguration\(|\.Bind\(|\.Configure<\w+>\(\w*\.?Configuration")]
    private static partial Regex OtherBinding();

    [GeneratedRegex(@"(?:class|record) (?<type>\w*Options)\b")]
    private static partial Regex Declared();
}
