using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Platform.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Architecture.Tests;

/// <summary>
/// What a model reads is committed: one JSON file per tool, and docs/tools.md. A change of a contract shows up in review as the change
/// of these. UPDATE_SNAPSHOTS=1 writes them again.
/// </summary>
public sealed class ContractSnapshots
{
    private const string Introduction = """
        # Tools

        Generated from the contracts by `UPDATE_SNAPSHOTS=1 ./test Architecture`. A tool needs its scope of the token and the permission of
        the same name of the role. Tools that are bound to an environment take `environment` (default: the sandbox); writes take
        `idempotencyKey`, `dryRun` and `task`; destructive ones also `confirmation`. A page of a list ends with its `limit` or at
        90,000 bytes of JSON, whichever comes first, and says how it goes on.

        """;

    private static readonly JsonSerializerOptions _indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static bool Updates => Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1";

    private static string Folder => Path.Combine(Repository.Root, "tests", "Architecture.Tests", "Snapshots");

    [Theory]
    [MemberData(nameof(ToolLaws.Names), MemberType = typeof(ToolLaws))]
    public void The_tool_is_as_committed(string name)
    {
        Assert.True(Repository.Catalogue.TryGetTool(name, out var tool));
        Check(Path.Combine(Folder, name + ".json"), Describe(tool));
    }

    [Fact]
    public void No_snapshot_is_left_of_a_tool_that_is_gone() =>
        Assert.Empty(
            System
                .IO.Directory.EnumerateFiles(Folder)
                .Select(Path.GetFileNameWithoutExtension)
                .Except(Repository.Catalogue.Tools.Select(tool => tool.Name))
        );

    [Fact]
    public void The_document_of_tools_is_as_committed() => Check(Path.Combine(Repository.Root, "docs", "tools.md"), ToolsDocument());

    private static string Describe(ToolDefinition tool) =>
        JsonSerializer.Serialize(
            new
            {
                name = tool.Name,
                title = tool.Options.Title,
                description = tool.Description,
                toolset = tool.Options.Toolset,
                scope = tool.Options.Scope,
                effect = tool.Options.Effect.ToString(),
                bound = tool.Options.Bound.ToString(),
                audit = tool.Options.Audit,
                service = tool.Service,
                inputSchema = JsonDocument.Parse(tool.InputSchema).RootElement,
                outputSchema = JsonDocument.Parse(tool.OutputSchema).RootElement,
            },
            _indented
        ) + "\n";

    private static string ToolsDocument()
    {
        var text = new StringBuilder(Introduction).Append('\n');
        foreach (
            var toolset in Repository
                .Catalogue.Tools.GroupBy(tool => tool.Options.Toolset)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
        )
        {
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"## {toolset.Key}\n\n| Tool | What it does | Scope | Effect |\n|---|---|---|---|\n"
            );
            foreach (var tool in toolset)
            {
                var effect = tool.Options.Effect switch
                {
                    Effect.Read => "reads",
                    Effect.Write => "writes",
                    _ => "destroys, in two steps",
                };
                var description = tool
                    .Description.Replace("\n\n", " ", StringComparison.Ordinal)
                    .Replace("|", @"\|", StringComparison.Ordinal);
                text.Append(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"| `{tool.Name}` | {description} | `{tool.Options.Scope}` | {effect} |\n"
                );
            }

            text.Append('\n');
        }

        return text.ToString().TrimEnd() + "\n";
    }

    internal static void Check(string file, string expected)
    {
        if (Updates)
        {
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, expected);
        }

        Assert.True(
            File.Exists(file),
            $"{Repository.Relative(file)} is missing: run UPDATE_SNAPSHOTS=1 ./test Architecture and look at the change."
        );
        Assert.Equal(expected, File.ReadAllText(file));
    }
}
