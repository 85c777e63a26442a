using System.Text.Json;
using Platform.Changes.Undo;
using Platform.Contracts;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.MemberInvitations;

/// <summary>How changes of invitations to the workspace are taken back.</summary>
internal static class MemberInvitationUndo
{
    private const string Write = Scopes.WorkspaceWrite;

    public static KeptTable Table { get; } =
        new("directory", "member_invitation", "member_invitation", "r.id = k.key::uuid", "is_open", "revoked_at")
        {
            IdOf = key => Ids.Format("minv", Guid.Parse(key)),
            // As with invitations to organizations: it stays, revoked, and says so to whoever comes with its link.
            InsteadOfRemoval = "k.image::jsonb || jsonb_build_object('is_open', false, 'revoked_at', now())",
            IsTakenBack = row => !row.Contains("\"revoked_at\": null", StringComparison.Ordinal),
            FindObstaclesAsync = FindObstaclesAsync,
            Note = "A message that was sent cannot be called back; its link no longer works.",
            WritePermission = Write,
            DeletePermission = Write,
        };

    // Opening a revoked invitation again gives its roles, as inviting does.
    private static async Task<List<Obstacle>> FindObstaclesAsync(
        WriteTransaction tx,
        IReadOnlyList<RowPlan> plans,
        IReadOnlyList<RowPlan> all
    )
    {
        var reach = tx.Call.Caller.Reach;
        var elsewhere = plans
            .Where(plan => EnvironmentsOf(plan).Any(environment => !reach.Has(Write, environment)))
            .Select(plan => new Obstacle(plan, Reasons.PermissionDenied, "It gives roles in environments where you may not manage people."))
            .ToList();
        var opened = plans
            .Except(elsewhere.Select(obstacle => obstacle.Plan))
            .Where(plan => RowPlan.Value(plan.Target, "is_open") == bool.TrueString)
            .ToList();
        if (opened.Count == 0)
        {
            return elsewhere;
        }

        var grants = tx.Call.Caller.MemberId is { } member ? await MemberGrants.OfAsync(tx, member) : null;
        return
        [
            .. elsewhere,
            .. opened
                .Where(plan => grants is null || !MayGive(grants, plan.Target!))
                .Select(plan => new Obstacle(plan, Reasons.PermissionDenied, "You may not give the roles of this invitation.")),
        ];
    }

    private static List<Guid> EnvironmentsOf(RowPlan plan)
    {
        using var row = JsonDocument.Parse((plan.Target ?? plan.Current)!);
        return [.. row.RootElement.GetProperty("environments").EnumerateArray().Select(environment => environment.GetGuid())];
    }

    private static bool MayGive(MemberGrants grants, string image)
    {
        using var row = JsonDocument.Parse(image);
        return row
            .RootElement.GetProperty("environments")
            .EnumerateArray()
            .Zip(row.RootElement.GetProperty("roles").EnumerateArray())
            .All(given => grants.Allows(given.First.GetGuid(), given.Second.GetString()!));
    }
}
