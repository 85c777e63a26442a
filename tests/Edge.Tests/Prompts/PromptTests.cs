using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Platform.Contracts;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;
using Platform.Edge.Prompts;
using Platform.Edge.Tests.Tools;

namespace Platform.Edge.Tests.Prompts;

public sealed class PromptTests
{
    private static readonly PromptCatalogue _prompts = new(Product.Surface);

    [Fact]
    public void Every_prompt_speaks_of_tools_that_exist_and_names_each_in_its_text() => Assert.All(PromptCatalogue.All, recipe =>
        {
            Assert.All(recipe.Tools, tool => Assert.True(Product.Surface.TryFind(tool, out _), tool));
            var spoken = System
                .Text.RegularExpressions.Regex.Matches(recipe.Text, "[a-z]+(_[a-z]+)+")
                .Select(match => match.Value)
                .Distinct();
            Assert.Empty(spoken.Except(recipe.Tools).Except(recipe.Arguments.Select(argument => argument.Name)));
        });

    [Fact]
    public void They_are_listed_in_order_for_those_who_can_use_all_their_tools()
    {
        Assert.Equal(
            ["clean_up_table", "import_table", "onboard_organization", "review_audit", "take_back_task", "work_safely"],
            Names(Product.Caller(Roles.Owner), Product.PlainUrl)
        );
        Assert.Equal(
            ["clean_up_table", "import_table", "take_back_task", "work_safely"],
            Names(Product.Caller(Roles.Editor), Product.PlainUrl)
        );
        Assert.Empty(Names(Product.Caller(Roles.Viewer), Product.PlainUrl));
        Assert.Equal(["review_audit"], Names(Product.Caller(Roles.Owner), Product.PlainUrl with { ReadOnly = true }));
    }

    [Fact]
    public void Arguments_stand_in_the_text_as_they_were_given()
    {
        var text = Get(Roles.Owner, "import_table", ("source", "films {table}"));
        Assert.Contains("Import «films {table}» as a table. Name of the table: that of the source.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_left_out_reads_as_what_then_holds() => Assert.All(PromptCatalogue.All, recipe =>
        {
            var text = Get(Roles.Owner, recipe.Name, [.. recipe.Arguments.Where(one => one.Required).Select(one => (one.Name, "x"))]);
            Assert.DoesNotContain("not given", text, StringComparison.Ordinal);
            Assert.DoesNotContain("{", text, StringComparison.Ordinal);
        });

    [Theory]
    [InlineData("review_audit", "from", "Review the audit log from «x» to now.")]
    [InlineData("onboard_organization", "name", "Onboard the organization «x». People to invite: ask me.")]
    [InlineData("work_safely", "goal", "Work safely on «x». Environment of all calls: the sandbox.")]
    [InlineData("take_back_task", "task", "Undo what the task «x» did. Environment of all calls: the sandbox.")]
    public void A_sentence_reads_well_without_the_optional_arguments(string prompt, string required, string sentence) =>
        Assert.StartsWith(sentence, Get(Roles.Owner, prompt, (required, "x")), StringComparison.Ordinal);

    [Theory]
    [InlineData(Roles.Viewer, "import_table", "source", "There is no prompt 'import_table' here.")]
    [InlineData(Roles.Owner, "nonsense", "source", "There is no prompt 'nonsense' here.")]
    [InlineData(Roles.Owner, "import_table", "sauce", "sauce: is not known here. Known arguments: source, table.")]
    [InlineData(Roles.Owner, "import_table", "table", "source: is required.")]
    public void What_does_not_fit_is_refused(string role, string prompt, string argument, string problem)
    {
        var refused = Assert.Throws<McpProtocolException>(() => Get(role, prompt, (argument, "x")));
        Assert.Equal(McpErrorCode.InvalidParams, refused.ErrorCode);
        Assert.StartsWith(problem, refused.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(ResolvedCaller caller, UrlNarrowing narrowing) =>
        _prompts.List(caller, narrowing, 100, null).Prompts.Select(prompt => prompt.Name);

    private static string Get(string role, string prompt, params (string Name, string Value)[] arguments)
    {
        var asked = new GetPromptRequestParams
        {
            Name = prompt,
            Arguments = arguments.ToDictionary(a => a.Name, a => System.Text.Json.JsonSerializer.SerializeToElement(a.Value)),
        };
        return Assert.IsType<TextContentBlock>(_prompts.Get(asked, Product.Caller(role), Product.PlainUrl).Messages.Single().Content).Text;
    }
}
