using System.Data;
using Npgsql;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>What can be taken back of one record.</summary>
internal sealed record RecordPlan
{
    public required Guid Id { get; init; }

    /// <summary>The version of its state now. For a record that an undo removed: the version that it would have.</summary>
    public required long Top { get; init; }

    /// <summary>Whether there is a row, deleted or not.</summary>
    public required bool IsPresent { get; init; }

    /// <summary>Whether there is a row that is not deleted.</summary>
    public required bool IsLive { get; init; }

    /// <summary>The version to go back to, 0 for "not there yet". Null when nothing can be taken back.</summary>
    public required long? Target { get; init; }

    /// <summary>Whether changes meant lie below a change of others.</summary>
    public required bool IsBlocked { get; init; }

    /// <summary>Whether the changes meant created it.</summary>
    public required bool Created { get; init; }

    /// <summary>Whether the changes meant deleted it.</summary>
    public required bool Deleted { get; init; }

    /// <summary>Who made the change of others; empty where nothing blocks.</summary>
    public required string By { get; init; }

    public required DateTime At { get; init; }

    public required string CallId { get; init; }

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
            -- From the state that is there down to the first. Every step is a change meant, one of others, or an undo, which leads to the
            -- state that it brought back. The first step of all, which leaves no image, is the creation.
            walk as (
                select id, created, version as next, 0 as step, null::uuid as change_id, false as mine, false as blocked, false as blocks
                from top
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
            select t.id, coalesce(t.version, 0) as version, t.present, t.live, p.target, p.blocked, t.created, t.deleted,
                c.changed_by, c.changed_at, c.call_id
            from top t join plan p on p.id = t.id left join data.record_change c on c.id = p.blocker and p.blocked order by t.id
            """,
            changes
        );

    public static RecordPlan Read(NpgsqlDataReader row) =>
        new()
        {
            Id = row.GetGuid("id"),
            Top = row.GetInt64("version"),
            IsPresent = row.GetBoolean("present"),
            IsLive = row.GetBoolean("live"),
            Target = row.IsDBNull("target") ? null : row.GetInt64("target"),
            IsBlocked = row.GetBoolean("blocked"),
            Created = row.GetBoolean("created"),
            Deleted = row.GetBoolean("deleted"),
            By = row.IsDBNull("changed_by") ? "" : row.GetString("changed_by"),
            At = row.IsDBNull("changed_at") ? default : row.GetDateTime("changed_at"),
            CallId = row.IsDBNull("call_id") ? "" : row.GetString("call_id"),
        };
}
