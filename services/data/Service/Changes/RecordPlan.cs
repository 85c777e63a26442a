using Npgsql;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>What can be taken back of one record.</summary>
/// <param name="Top">The version of its state now; of a record that an undo removed, the one that it would have.</param>
/// <param name="IsPresent">Whether there is a row, deleted or not.</param>
/// <param name="IsLive">Whether there is a row that is not deleted.</param>
/// <param name="Target">The version to go back to, 0 for "not there yet"; null when nothing can be taken back.</param>
/// <param name="IsBlocked">Whether changes meant lie below a change of others.</param>
/// <param name="Created">Whether the changes meant created it.</param>
/// <param name="Deleted">Whether they deleted it.</param>
internal sealed record RecordPlan(
    Guid Id,
    long Top,
    bool IsPresent,
    bool IsLive,
    long? Target,
    bool IsBlocked,
    bool Created,
    bool Deleted,
    string By,
    DateTime At,
    string CallId
)
{
    /// <summary>As the workspace's own role, under the table's lock.</summary>
    /// <param name="table">Whose records.</param>
    /// <param name="changes">The changes meant.</param>
    public static Statement Find(TableSchema table, Guid[] changes) =>
        new(
            $"""
            with recursive affected as (
                select i.id, bool_or(c.kind = 'created') as created, bool_or(c.kind = 'deleted') as deleted
                from data.record_change c cross join lateral unnest(c.record_ids) as i(id) where c.id = any($1) group by i.id
            ),
            top as (
                select a.id, a.created, a.deleted, r.id is not null as present, r.id is not null and r.deleted_at is null as live,
                    coalesce(r.version, (select max(b.version) + 1 from data.record_before b where b.record_id = a.id)) as version
                from affected a left join {table.QualifiedName} r on r.id = a.id
            ),
            -- From the state that is there down to the first. Every step is a change meant, one of others, or an undo, which leads to the state
            -- that it brought back. The first step of all, which leaves no image, is the creation.
            walk as (
                select id, created, version as next, 0 as step, null::uuid as change_id, false as mine, false as blocked, false as blocks from top
                union all
                select w.id, w.created,
                    case when b.version is null then 0 when not b.mine and b.restores is not null then b.restores else b.version end,
                    w.step + 1, b.change_id, coalesce(b.mine, w.created), w.blocked or w.blocks,
                    b.version is not null and not b.mine and b.restores is null
                from walk w left join lateral (
                    select b.version, b.change_id, b.restores, b.change_id = any($1) as mine
                    from data.record_before b where b.record_id = w.id and b.version = w.next - 1) b on true
                where w.next > 0
            ),
            plan as (
                select w.id, min(w.next) filter (where w.mine and not w.blocked) as target, bool_or(w.mine and w.blocked) as blocked,
                    (array_agg(w.change_id order by w.step) filter (where w.blocks))[1] as blocker
                from walk w group by w.id
            )
            select t.id, coalesce(t.version, 0), t.present, t.live, p.target, p.blocked, t.created, t.deleted, c.changed_by, c.changed_at, c.call_id
            from top t join plan p on p.id = t.id left join data.record_change c on c.id = p.blocker and p.blocked order by t.id
            """,
            changes
        );

    public static RecordPlan Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetInt64(1),
            row.GetBoolean(2),
            row.GetBoolean(3),
            row.IsDBNull(4) ? null : row.GetInt64(4),
            row.GetBoolean(5),
            row.GetBoolean(6),
            row.GetBoolean(7),
            row.IsDBNull(8) ? "" : row.GetString(8),
            row.IsDBNull(9) ? default : row.GetDateTime(9),
            row.IsDBNull(10) ? "" : row.GetString(10)
        );
}
