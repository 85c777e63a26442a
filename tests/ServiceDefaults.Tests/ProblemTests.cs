using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.Tests;

/// <summary>What a model reads when a call is refused.</summary>
public sealed class ProblemTests
{
    [Theory]
    [InlineData("table", "Find it with list_tables, or name another environment.")]
    [InlineData("member invitation", "Find it with list_member_invitations.")]
    [InlineData("session", "Look at the list that it comes from.")]
    public void What_is_not_found_names_the_tool_that_finds_it(string kind, string fix) =>
        Assert.Equal(fix, Problem.Read(Problem.NotFound(kind, "x"))!.Fix);

    [Fact]
    public void One_broken_rule_is_the_message_and_its_fix_the_fix()
    {
        var problem = Problem.Read(Problem.Invalid("name", "is empty", "Send name."))!;
        Assert.Equal(("name: is empty.", "Send name."), (problem.Message, problem.Fix));
    }

    [Fact]
    public void Several_broken_rules_stand_each_beside_its_own_fix()
    {
        var problem = Problem.Read(
            Problem.Invalid(Of("a", "is odd", "Send an even one."), Of("b", "is red", "Send blue."), Of("c", "is odd", "Send an even one."))
        )!;
        Assert.Equal("3 rules are broken:\n- a: is odd. c: is odd. Send an even one.\n- b: is red. Send blue.", problem.Message);
        Assert.Equal(("", 3), (problem.Fix, problem.Violations.Count));
    }

    [Fact]
    public void Rules_that_one_fix_serves_are_followed_by_it_once()
    {
        var problem = Problem.Read(Problem.Invalid(Of("a", "is odd", "Send an even one."), Of("b", "is odd", "Send an even one.")))!;
        Assert.Equal(("a: is odd. b: is odd.", "Send an even one."), (problem.Message, problem.Fix));
    }

    [Fact]
    public void What_is_not_told_is_counted()
    {
        var many = Enumerable.Range(0, 70).Select(i => Of($"rows[{i}]", "is odd", "Send an even one.")).ToList();
        var problem = Problem.Read(Problem.Invalid(many, 1000))!;
        Assert.EndsWith(
            "rows[49]: is odd. Send an even one.\n- And 950 more. Correct these first.",
            problem.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(50, problem.Violations.Count);
    }

    private static Violation Of(string field, string rule, string fix) =>
        new()
        {
            Field = field,
            Rule = rule,
            Fix = fix,
        };
}
