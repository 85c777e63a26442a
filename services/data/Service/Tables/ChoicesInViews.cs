using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

/// <summary>Views that filter by choices that are removed: they filter by another choice from then on, or the removal is refused.</summary>
internal static class ChoicesInViews
{
    private const string ChangeFilter = "update data.view set filter = $2, updated_at = $3, updated_by = $4 where id = $1";

    /// <exception cref="Grpc.Core.RpcException">CHOICE_IN_USE: a view filters by one of them, and nothing takes its place.</exception>
    public static async Task ReplaceAsync(
        WriteTransaction tx,
        TableSchema table,
        IReadOnlyList<ChoiceSchema> removed,
        ChoiceSchema? replacement
    )
    {
        var views = table.Views.Where(view => removed.Any(choice => Names(view.Filter, choice))).ToList();
        if (views.Count > 0 && replacement is null)
        {
            throw Problem.Conflict(
                Reasons.ChoiceInUse,
                $"{(views.Count == 1 ? "A view filters" : $"{views.Count} views filter")} by a choice that would be removed: "
                    + $"{string.Join(", ", views.Take(20).Select(view => view.Name))}.",
                "Change their filters first with update_view, or name a choice for them in replaceRemovedWith."
            );
        }

        foreach (var view in views)
        {
            var filter = removed.Aggregate(view.Filter!, (text, choice) =>
                text.Replace($"\"{choice.Key}\"", $"\"{replacement!.Key}\"", StringComparison.Ordinal)
            );
            var changes = new SchemaChanges();
            changes.Add("filter", view.Filter, filter);
            await tx.ExecuteAsync(ChangeFilter, view.Id, filter, tx.Now.UtcDateTime, tx.Call.ActorId);
            tx.Announce(
                new ViewUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, view.Key, changes.All),
                "view.updated",
                new Target("view", view.Key),
                new Target("table", table.Key)
            );
        }
    }

    // Filters are kept with choices by id.
    private static bool Names(string? filter, ChoiceSchema choice) =>
        filter?.Contains($"\"{choice.Key}\"", StringComparison.Ordinal) == true;
}
