using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using Platform.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Architecture.Tests;

/// <summary>What holds for every tool there is.</summary>
public sealed partial class ToolLaws
{
    public static TheoryData<string> Names => [.. Repository.Catalogue.Tools.Select(tool => tool.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_tool_declares_all_that_the_edge_and_the_audit_need(string name)
    {
        var tool = Find(name);
        Assert.Matches(NamePattern(), tool.Name);
        Assert.NotEmpty(tool.Options.Title);
        Assert.NotEmpty(tool.Options.Toolset);
        Assert.NotEqual(Effect.Unspecified, tool.Options.Effect);
        Assert.Contains(tool.Options.Scope, Scopes.All);
        Assert.Matches(ActionPattern(), tool.Options.Audit);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_scope_agrees_with_the_effect(string name)
    {
        var tool = Find(name);
        Assert.Equal(tool.IsRead, tool.Options.Scope.EndsWith(":read", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_description_is_short_enough_to_be_read(string name) => Assert.InRange(Find(name).Description.Length, 10, 600);

    [Fact]
    public void What_destroys_says_whether_and_how_it_is_undone() =>
        Assert.All(Repository.Catalogue.Tools.Where(tool => tool.IsDestructive), tool =>
            Assert.Contains(
                "undo",
                tool.Description.Replace("undone", "undo", StringComparison.Ordinal),
                StringComparison.OrdinalIgnoreCase
            )
        );

    [Fact]
    public void Names_and_aliases_are_unique()
    {
        var names = Repository.Catalogue.Tools.SelectMany(tool => tool.Options.Aliases.Prepend(tool.Name)).ToList();
        Assert.Equal(names.Distinct(StringComparer.Ordinal), names);
    }

    [Fact]
    public void A_toolset_is_one_service_of_at_most_15_rpcs()
    {
        foreach (var toolset in Repository.Catalogue.Tools.GroupBy(tool => tool.Options.Toolset))
        {
            Assert.InRange(toolset.Count(), 1, 15);
        }

        Assert.All(Repository.Catalogue.Tools.GroupBy(tool => tool.Method.Service.FullName), service =>
            Assert.Single(service.Select(tool => tool.Options.Toolset).Distinct())
        );
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_answer_has_no_place_for_a_secret(string name) =>
        Assert.DoesNotContain(Texts(Find(name).Method.OutputType, []), field =>
            field.Contains("secret", StringComparison.OrdinalIgnoreCase)
            || field.Contains("password", StringComparison.OrdinalIgnoreCase)
            || field.EndsWith("_key", StringComparison.OrdinalIgnoreCase)
        );

    private static IEnumerable<string> Texts(MessageDescriptor message, HashSet<string> seen) =>
        !seen.Add(message.FullName)
            ? []
            : message
                .Fields.InDeclarationOrder()
                .SelectMany(field =>
                    field.FieldType switch
                    {
                        FieldType.Message => Texts(field.MessageType, seen),
                        FieldType.String or FieldType.Bytes => [field.Name],
                        _ => [],
                    }
                );

    // Lists without pages, and what bounds each of them.
    private static readonly Dictionary<string, string> _withoutPages = new(StringComparer.Ordinal)
    {
        ["get_audit_event"] = "an event has few kinds of targets, with up to 1,000 ids in all",
        ["get_database"] = "1,000 names of tables, as far as an answer goes, and hasMoreTables",
        ["get_organization"] = "the domains of one organization",
        ["get_table"] = "fields as far as an answer goes, and hasMoreFields; at most 6 indexes",
        ["get_workspace"] = "the environments of a workspace",
        ["list_audit_streams"] = "at most 20 streams",
        ["list_connected_apps"] = "the apps of one member",
        ["list_environments"] = "the environments of a workspace",
        ["summarize_task"] = "one part for each service, cut to what an answer holds",
        ["whoami"] = "the environments of a workspace",
    };

    /// <summary>Tests of the services show that pages are bounded: AnswerSizeTests.</summary>
    [Fact]
    public void A_read_that_answers_a_list_answers_it_in_pages()
    {
        var withoutPages = Repository
            .Catalogue.Tools.Where(tool => tool.IsRead)
            .Where(tool => Lists(tool.Method.OutputType).Any() && !IsPaged(tool))
            .Select(tool => tool.Name);
        Assert.Equal(string.Join(' ', _withoutPages.Keys.Order(StringComparer.Ordinal)), string.Join(' ', withoutPages));
        Assert.All(Repository.Catalogue.Tools.Where(IsPaged), tool =>
            Assert.All(["limit", "cursor"], name => Assert.NotNull(tool.Method.InputType.FindFieldByName(name)))
        );

        static bool IsPaged(ToolDefinition tool) =>
            tool
                .Method.OutputType.Fields.InDeclarationOrder()
                .Any(field => field.Name == "page" && field.MessageType == PageInfo.Descriptor);

        static IEnumerable<FieldDescriptor> Lists(MessageDescriptor message) =>
            message
                .Fields.InDeclarationOrder()
                .Where(field => field.FieldType == FieldType.Message && !field.IsMap)
                .SelectMany(field => field.IsRepeated ? [field] : Lists(field.MessageType));
    }

    private static ToolDefinition Find(string name) =>
        Repository.Catalogue.TryGetTool(name, out var tool) ? tool : throw new InvalidOperationException(name);

    [GeneratedRegex("^[a-z][a-z0-9_]{2,39}$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[a-z_]+\\.[a-z_]+$")]
    private static partial Regex ActionPattern();
}
