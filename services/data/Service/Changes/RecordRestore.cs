using System.Data;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Records;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Changes;

/// <summary>
/// Takes records of one table back to earlier states, with each statement for all records at once. Runs as the workspace's own role, under
/// the table's lock. It restores every column that the table has, also those that the schema no longer names.
/// </summary>
internal sealed class RecordRestore(WriteTransaction tx, TableSchema table, IReadOnlyList<string> columns, IReadOnlyList<RecordPlan> plans)
{
    private readonly List<RecordPlan> _plans = [.. plans];

    public const string Columns = """
        select a.attname::text from pg_attribute a
        where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
            and a.attname not in ('id', 'version')
        order by a.attnum
        """;

    /// <summary>What is taken back.</summary>
    public IReadOnlyList<RecordPlan> Plans => _plans;

    /// <summary>
    /// Takes records out of the plan whose value of a unique field belongs to another record now. Returns each with that record's id.
    /// </summary>
    public async Task<List<(RecordPlan Plan, FieldSchema Field, Guid Owner)>> FindTakenAsync()
    {
        var taken = new List<(RecordPlan, FieldSchema, Guid)>();
        var unique = table.Fields.Where(field => field.Unique).ToList();
        for (var again = unique.Count > 0; again; )
        {
            // A record that is left alone keeps its value, and another record of the plan may need it.
            again = false;
            foreach (var field in unique)
            {
                var restored = _plans.Where(plan => plan.Target > 0).ToList();
                var owners = (
                    await tx.QueryAsync(
                        $"""
                        {Past()}
                        select p.id, min(r.id::text)::uuid as owner from past p
                        join {table.QualifiedName} r on {field.Kind.KeyOf($"r.{field.Column}")} = {field.Kind.KeyOf(
                            $"p.{field.Column}"
                        )} and r.deleted_at is null and r.id <> all($3)
                        where p.deleted_at is null group by p.id
                        """,
                        row => (Id: row.GetGuid("id"), Owner: row.GetGuid("owner")),
                        IdsOf(restored),
                        TargetsOf(restored),
                        IdsOf(_plans)
                    )
                ).ToDictionary(one => one.Id, one => one.Owner);
                taken.AddRange(_plans.Where(plan => owners.ContainsKey(plan.Id)).Select(plan => (plan, field, owners[plan.Id])));
                again |= _plans.RemoveAll(plan => owners.ContainsKey(plan.Id)) > 0;
            }
        }

        return taken;
    }

    /// <summary>Takes records out of the plan whose values a newer rule forbids. Returns each with the rule that it would break.</summary>
    public async Task<List<(RecordPlan Plan, FieldSchema Field, string Why)>> FindMisfitsAsync()
    {
        var rules = table.Fields.Where(field => field.Kind.HasColumn).SelectMany(RulesOf).ToList();
        if (rules.Count == 0)
        {
            return [];
        }

        // A value that does not change breaks no rule that it did not break before.
        var restored = _plans.Where(plan => plan.Target > 0).ToList();
        var conditions = rules.Select(
            (rule, index) => $"({index}, {rule.Broken} and (r.id is null or p.{rule.Field.Column} is distinct from r.{rule.Field.Column}))"
        );
        var broken = (
            await tx.QueryAsync(
                $"""
                {Past()}
                select p.id, min(b.rule) as rule from past p left join {table.QualifiedName} r on r.id = p.id and r.deleted_at is null
                cross join lateral (values {string.Join(", ", conditions)}) as b(rule, is_broken)
                where p.deleted_at is null and b.is_broken group by p.id
                """,
                row => (Id: row.GetGuid("id"), Rule: row.GetInt32("rule")),
                IdsOf(restored),
                TargetsOf(restored)
            )
        ).ToDictionary(one => one.Id, one => one.Rule);
        var misfits = _plans
            .Where(plan => broken.ContainsKey(plan.Id))
            .Select(plan => (plan, rules[broken[plan.Id]].Field, rules[broken[plan.Id]].Why))
            .ToList();
        _plans.RemoveAll(plan => broken.ContainsKey(plan.Id));
        return misfits;
    }

    /// <summary>Does it, and keeps the states before. Returns the ids that are live afterwards.</summary>
    public async Task<HashSet<Guid>> RunAsync(RecordChange change)
    {
        var call = tx.Call;
        var removed = _plans.Where(plan => plan is { Target: 0, IsPresent: true }).ToList();
        var present = _plans.Where(plan => plan is { Target: > 0, IsPresent: true }).ToList();
        var absent = _plans.Where(plan => plan is { Target: > 0, IsPresent: false }).ToList();
        var list = string.Join(", ", columns);
        var assigned = string.Join(", ", columns.Select(column => $"{column} = p.{column}"));
        var restoredColumns = string.Join(", ", columns.Select(column => "p." + column));
        await tx.ExecuteAsync(change.Insert.Sql, change.Insert.Arguments);
        await tx.ExecuteAsync(
            $"""
            with gone as (delete from {table.QualifiedName} r where r.id = any($1) returning r.*)
            insert into data.record_before (workspace_id, environment_id, record_id, version, change_id, before, restores)
            select $2, $3, g.id, g.version, $4, to_jsonb(g), 0 from gone g
            """,
            IdsOf(removed),
            call.WorkspaceId,
            call.EnvironmentId,
            change.Id
        );
        await tx.ExecuteAsync(
            $"""
            insert into data.record_before (workspace_id, environment_id, record_id, version, change_id, before, restores)
            select $4, $5, p.id, p.top, $6, coalesce(to_jsonb(r), '{"{}"}'), p.target
            from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as p(id, target, top) left join {table.QualifiedName} r on r.id = p.id
            """,
            IdsOf([.. present, .. absent]),
            TargetsOf([.. present, .. absent]),
            present.Concat(absent).Select(plan => plan.Top).ToArray(),
            call.WorkspaceId,
            call.EnvironmentId,
            change.Id
        );
        if (table.Fields.Any(field => field.Unique))
        {
            // Unique values may have moved between records, so no record holds one while they go back. The state kept above has the true
            // deleted_at.
            await tx.ExecuteAsync(
                $"update {table.QualifiedName} set deleted_at = $2 where id = any($1) and deleted_at is null",
                IdsOf(present),
                tx.Now.UtcDateTime
            );
        }

        var live = await tx.QueryAsync(
            $"""
            {Past()}
            update {table.QualifiedName} r set version = r.version + 1, {assigned}
            from past p where r.id = p.id returning r.id, r.deleted_at is null as is_live
            """,
            row => (Id: row.GetGuid("id"), IsLive: row.GetBoolean("is_live")),
            IdsOf(present),
            TargetsOf(present)
        );
        live.AddRange(
            await tx.QueryAsync(
                $"""
                {Past()}
                insert into {table.QualifiedName} as r (id, version, {list}) select p.id, t.top + 1, {restoredColumns}
                from past p join unnest($1::uuid[], $3::bigint[]) as t(id, top) on t.id = p.id
                returning r.id, r.deleted_at is null as is_live
                """,
                row => (row.GetGuid("id"), row.GetBoolean("is_live")),
                IdsOf(absent),
                TargetsOf(absent),
                absent.ConvertAll(plan => plan.Top).ToArray()
            )
        );
        return [.. live.Where(one => one.IsLive).Select(one => one.Id)];
    }

    private static IEnumerable<(FieldSchema Field, string Broken, string Why)> RulesOf(FieldSchema field)
    {
        var column = $"p.{field.Column}";
        if (field.Required)
        {
            yield return (
                field,
                FieldRules.IsMissing(column),
                $"The field {field.Name} is required now, and the record had no value of it."
            );
        }

        if (field.MaxLength is { } length)
        {
            yield return (
                field,
                FieldRules.IsLonger(column, length),
                $"The field {field.Name} takes at most {length} characters now, and the record had more."
            );
        }

        if (field.Precision is { } precision)
        {
            yield return (
                field,
                FieldRules.HasMoreDecimals(column, precision),
                $"The field {field.Name} takes at most {precision} decimal places now, and the record had more."
            );
        }

        if (field.Kind.IsSingle)
        {
            yield return (field, FieldRules.HoldsSeveral(column), $"The field {field.Name} holds one link now, and the record had more.");
        }
    }

    // $1 are records, $2 versions. The oldest image since a version holds the value that a column had in that version.
    private string Past() =>
        $"""
            with image as (
                select distinct on (b.record_id, e.key) b.record_id, e.key, e.value
                from unnest($1::uuid[], $2::bigint[]) as p(id, target)
                join data.record_before b on b.record_id = p.id and b.version >= p.target
                join data.record_change c on c.id = b.change_id
                cross join lateral jsonb_each(
                    case c.kind when 'deleted' then jsonb '{"{\"deleted_at\": null}"}' || b.before else b.before end) as e
                order by b.record_id, e.key, b.version
            ),
            images as (select i.record_id, jsonb_object_agg(i.key, i.value) as image from image i group by i.record_id),
            past as (
                select p.* from images i left join {table.QualifiedName} r on r.id = i.record_id
                cross join lateral jsonb_populate_record(r, i.image || jsonb_build_object('id', i.record_id)) as p
            )
            """;

    private static Guid[] IdsOf(IReadOnlyList<RecordPlan> plans) => [.. plans.Select(plan => plan.Id)];

    private static long[] TargetsOf(IReadOnlyList<RecordPlan> plans) => [.. plans.Select(plan => plan.Target!.Value)];
}
