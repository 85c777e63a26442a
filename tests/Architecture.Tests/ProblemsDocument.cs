using System.Text;
using Platform.Contracts;

namespace Platform.Architecture.Tests;

/// <summary>docs/problems.md is made from the constants of <see cref="Reasons"/>. UPDATE_SNAPSHOTS=1 writes it again.</summary>
public sealed class ProblemsDocument
{
    private const string Introduction = """
        # Problems

        Generated from `services/contracts/Reasons*.cs` by `UPDATE_SNAPSHOTS=1 ./test Architecture`. Every call that fails names one of
        these reasons and says what happened and what to do. A reason never changes its meaning. The status is the gRPC status of a service,
        or the form in which the edge shows it: a *tool error* is a result with `isError`. *Left alone* marks a reason why an undo leaves
        something as it is.

        | Reason | Status | What it means | What to do |
        |---|---|---|---|

        """;

    [Fact]
    public void The_document_of_problems_is_as_committed() =>
        ContractSnapshots.Check(Path.Combine(Repository.Root, "docs", "problems.md"), Document());

    [Fact]
    public void Every_reason_is_explained() => Assert.All(Reasons.All, reason =>
        {
            Assert.Matches("^[A-Z]+(_[A-Z]+)*$", reason.Key);
            Assert.NotNull(reason.Value);
            Assert.EndsWith(".", reason.Value.Meaning, StringComparison.Ordinal);
            Assert.EndsWith(".", reason.Value.Fix, StringComparison.Ordinal);
        });

    private static string Document()
    {
        var text = new StringBuilder(Introduction);
        foreach (var (reason, about) in Reasons.All.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"| `{reason}` | {about.Status} | {about.Meaning} | {about.Fix} |\n"
            );
        }

        return text.ToString();
    }
}
