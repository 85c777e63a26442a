using System.Data;
using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Indexes;

/// <summary>Indexes that searches earned, as their table sees them.</summary>
internal static class EarnedIndexes
{
    private const string Find = """
        select e.keys, e.created_at, e.uses + greatest(coalesce(pg_stat_get_numscans(c.oid), 0) - e.scans_seen, 0) as uses
        from data.earned_index e left join pg_class c on c.relname = e.name and c.relnamespace = to_regnamespace($2)::oid
        where e.table_id = $1 and e.is_ready order by e.created_at
        """;

    private const string FindOf = """
        select name from data.earned_index
        where table_id = $1 and exists (select from unnest(keys) as k(part) where split_part(k.part, ' ', 1) = $2)
        """;

    /// <summary>
    /// Drops the indexes of a field whose longest value changes, under the lock of a schema change. The longest value decides how much of a
    /// value an index holds, and whether a value fits it. The keeper announces the drop.
    /// </summary>
    public static async Task DropOfAsync(WriteTransaction tx, Guid tableId, Guid fieldId)
    {
        var names = await tx.QueryAsync(FindOf, row => row.GetString(0), tableId, Ids.Format("fld", fieldId));
        if (names.Count > 0)
        {
            await tx.BatchAsync(
                _ => Task.FromResult(0),
                [
                    TableEntry.Role(tx.Call.WorkspaceId),
                    .. names.Select(name => new Statement($"drop index if exists {TableSchema.RoleOf(tx.Call.WorkspaceId)}.{name}")),
                    new Statement("set local role none"),
                ]
            );
        }
    }

    /// <summary>What the service does by itself, in a workspace and environment.</summary>
    public static Call CallIn(Guid workspaceId, Guid environmentId) =>
        new()
        {
            CallId = Ids.New().ToString(),
            Caller = Caller.ForService("data", workspaceId, environmentId),
            Definition = null,
            Request = new Empty(),
        };

    public static Task<List<Contracts.V1.Index>> ReadAsync(
        UnitOfWork work,
        Call call,
        TableSchema table,
        CancellationToken cancellationToken
    ) =>
        work.ReadAsync(
            call,
            SessionSettings.Default,
            async reader =>
            {
                var indexes = new List<Contracts.V1.Index>();
                while (await reader.ReadAsync(cancellationToken))
                {
                    indexes.Add(
                        new Contracts.V1.Index
                        {
                            Fields = { reader.GetFieldValue<string[]>("keys").Select(part => Describe(table, ShapePart.Parse(part))) },
                            CreatedAt = Timestamp.FromDateTime(reader.GetDateTime("created_at")),
                            Uses = reader.GetInt64("uses"),
                        }
                    );
                }

                return indexes;
            },
            cancellationToken,
            new Statement(Find, table.Id, table.Role)
        );

    private static string Describe(TableSchema table, ShapePart part) =>
        (part.In(table)?.Name ?? part.Field) + (part.Use == ShapeUse.Descending ? " DESC" : "");
}
