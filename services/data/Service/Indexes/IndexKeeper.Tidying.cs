using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Indexes;

internal sealed partial class IndexKeeper
{
    private const string ForgetOld = "delete from data.search_usage where last_at < now() - interval '7 days'";

    private const string Use = """
        update data.earned_index
        set uses = uses + $2 - case when $2 < scans_seen then 0 else scans_seen end, scans_seen = $2, last_used_at = $3
        where id = $1
        """;

    private const string Delete = "delete from data.earned_index where id = $1";

    /// <summary>Ends what was begun, counts uses, drops what nobody uses or whose field is gone.</summary>
    /// <returns>False when something has to wait.</returns>
    private async Task<bool> TidyAsync(LeaderSession session, CancellationToken cancellationToken)
    {
        await using (var forget = new NpgsqlCommand(ForgetOld, session.Connection))
        {
            await forget.ExecuteNonQueryAsync(cancellationToken);
        }

        var all = true;
        foreach (var index in await FindIndexesAsync(session.Connection, cancellationToken))
        {
            all &= await TryAsync(() => TidyAsync(session, index, cancellationToken));
        }

        return all;
    }

    private async Task<bool> TidyAsync(LeaderSession session, Existing index, CancellationToken cancellationToken)
    {
        var reason = "";
        await WriteAsync(
            index.WorkspaceId,
            index.EnvironmentId,
            async tx =>
            {
                var table = await TableSchemas.LoadAsync(tx, index.TableId);
                reason =
                    !index.IsThere || !index.IsValid ? "gone"
                    : table is null || IndexPlan.Of(table, index.Keys) is null ? "field_gone"
                    : index.Scans == index.ScansSeen && index.IsReady && tx.Now - index.LastUsedAt >= options.Value.UnusedFor ? "unused"
                    : "";
                if (reason.Length == 0 && index.Scans != index.ScansSeen)
                {
                    await tx.ExecuteAsync(Use, index.Id, index.Scans, tx.Now.UtcDateTime);
                }
            },
            cancellationToken
        );
        if (reason.Length == 0)
        {
            if (!index.IsReady)
            {
                await FinishAsync(index, null, cancellationToken);
            }

            return true;
        }

        if (index.IsThere)
        {
            await using var hold = await IndexBuilder.TryHoldAsync(session, index.TableId, cancellationToken);
            if (
                hold is null
                || await builder.RunAsync(
                    hold,
                    index.WorkspaceId,
                    [$"drop index concurrently if exists {TableSchema.RoleOf(index.WorkspaceId)}.{index.Name}"],
                    cancellationToken
                )
                    is not null
            )
            {
                return false;
            }
        }

        await WriteAsync(
            index.WorkspaceId,
            index.EnvironmentId,
            async tx =>
            {
                if (await tx.ExecuteAsync(Delete, index.Id) == 1 && index.IsReady)
                {
                    Tell("dropped");
                    var table = Ids.Format("tbl", index.TableId);
                    tx.Announce(
                        new IndexDropped(tx.NewEventId(), index.WorkspaceId, tx.Now, table, index.Keys, reason),
                        "index.deleted",
                        new Target("table", table)
                    );
                }
            },
            cancellationToken
        );
        return true;
    }
}
