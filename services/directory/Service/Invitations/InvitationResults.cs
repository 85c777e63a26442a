using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Invitations;

/// <summary>The results of rows as an answer shows them: all, or those that are no success, as far as an answer goes.</summary>
internal static class InvitationResults
{
    /// <param name="all">One per row, in order.</param>
    /// <param name="onlyProblems">Whether the caller does not want to read of invitations that were created.</param>
    /// <param name="leftOut">How many are not shown.</param>
    public static List<InvitationResult> Show(IReadOnlyList<InvitationResult> all, bool onlyProblems, out int leftOut)
    {
        leftOut = 0;
        if (!onlyProblems && Fits(all))
        {
            return [.. all];
        }

        var size = new AnswerSize();
        var shown = all.Index()
            .Where(result => result.Item.Outcome != InvitationOutcome.Created)
            .Select(result => new InvitationResult(result.Item) { Row = result.Index })
            .TakeWhile(result => size.TryTake(JsonSize.Of(result)))
            .ToList();
        leftOut = all.Count - shown.Count;
        return shown;
    }

    public static InvitationCounts Count(IReadOnlyCollection<InvitationResult> all)
    {
        return new InvitationCounts
        {
            Created = Of(InvitationOutcome.Created),
            AlreadyInvited = Of(InvitationOutcome.AlreadyInvited),
            AlreadyMember = Of(InvitationOutcome.AlreadyMember),
            Invalid = Of(InvitationOutcome.Invalid),
        };

        int Of(InvitationOutcome outcome) => all.Count(result => result.Outcome == outcome);
    }

    private static bool Fits(IReadOnlyList<InvitationResult> all)
    {
        var size = new AnswerSize();
        return all.All(result => size.TryTake(JsonSize.Of(result)));
    }
}
