using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Records;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

/// <summary>
/// The choices of a field that a call adds, changes and removes. Records with a removed choice get another one or lose it, as the caller
/// says; if the caller says neither, the removal is refused. History keeps the values before.
/// </summary>
internal sealed class ChoiceChanges
{
    private const string Insert = """
        insert into data.choice (workspace_id, environment_id, id, field_id, position, label, color)
        select platform.workspace_id(), platform.environment_id(), v.id, $1,
            (select coalesce(max(position), 0) from data.choice where field_id = $1) + v.ordinality::int,
            v.label, v.color
        from unnest($2::uuid[], $3::text[], $4::text[]) with ordinality as v(id, label, color, ordinality)
        """;

    private const string Change = """
        update data.choice c set label = v.label, color = v.color, removed_at = null
        from unnest($1::uuid[], $2::text[], $3::text[]) as v(id, label, color) where c.id = v.id
        """;

    private const string Remove = "update data.choice set removed_at = $2 where id = any($1)";

    private readonly FieldSchema _field;
    private readonly UpdateFieldRequest _request;
    private readonly List<ChoiceSchema> _added;
    private readonly List<(ChoiceSchema Before, string Label, string Color)> _changed = [];
    private readonly List<ChoiceSchema> _removed = [];
    private readonly ChoiceSchema? _replacement;

    public ChoiceChanges(FieldSchema field, UpdateFieldRequest request)
    {
        (_field, _request) = (field, request);
        _added = [.. request.AddChoices.Select(choice => new ChoiceSchema(Ids.New(), choice.Label, choice.Color))];
        var named = new HashSet<ChoiceSchema>();
        for (var i = 0; i < request.ChangeChoices.Count; i++)
        {
            var change = request.ChangeChoices[i];
            if (Find(change.Choice, $"changeChoices[{i}].choice") is not { } choice)
            {
                continue;
            }

            if (!named.Add(choice))
            {
                Refuse($"changeChoices[{i}].choice", $"names {choice.Label} again", "Change every choice once.");
            }

            var after = (change.HasLabel ? change.Label : choice.Label, change.HasColor ? change.Color : choice.Color);
            if (after != (choice.Label, choice.Color))
            {
                _changed.Add((choice, after.Item1, after.Item2));
            }
        }

        for (var i = 0; i < request.RemoveChoices.Count; i++)
        {
            if (Find(request.RemoveChoices[i], $"removeChoices[{i}]") is { } choice && !_removed.Contains(choice))
            {
                _removed.Add(choice);
                if (named.Contains(choice))
                {
                    Refuse($"removeChoices[{i}]", $"names {choice.Label}, which changeChoices changes", "Change it, or remove it.");
                }
            }
        }

        if (request.ReplaceRemovedWith.Length > 0 && Find(request.ReplaceRemovedWith, "replaceRemovedWith") is { } replacement)
        {
            _replacement = replacement;
            if (_removed.Contains(replacement) || request.ClearRemoved)
            {
                Refuse(
                    "replaceRemovedWith",
                    "is removed as well, or comes together with clearRemoved",
                    "Name a choice that stays, or leave one of them out."
                );
            }
        }

        if (_removed.Count == 0 && (request.ReplaceRemovedWith.Length > 0 || request.ClearRemoved))
        {
            Refuse("removeChoices", "is empty, so that nothing is to be replaced or cleared", "Name the choices to remove.");
        }
    }

    public List<Violation> Violations { get; } = [];

    public void Describe(SchemaChanges changes)
    {
        _added.ForEach(choice => changes.Add($"choices.{choice.Key}", null, choice.Label));
        foreach (var (before, label, color) in _changed)
        {
            changes.Add($"choices.{before.Key}", $"{before.Label} {before.Color}".Trim(), $"{label} {color}".Trim());
        }

        _removed.ForEach(choice => changes.Add($"choices.{choice.Key}", choice.Label, null));
    }

    // Removed first, and those that change with them where labels may move among them: a removed choice leaves its label free.
    public IEnumerable<Statement> Statements(WriteTransaction tx)
    {
        var left = _removed
            .Concat(_changed.Count > 1 ? _changed.Select(change => change.Before) : [])
            .Select(choice => choice.Id)
            .ToArray();
        if (left.Length > 0)
        {
            yield return new Statement(Remove, left, tx.Now.UtcDateTime);
        }

        if (_changed.Count > 0)
        {
            yield return new Statement(
                Change,
                _changed.Select(change => change.Before.Id).ToArray(),
                _changed.Select(change => change.Label).ToArray(),
                _changed.Select(change => change.Color).ToArray()
            );
        }

        if (_added.Count > 0)
        {
            yield return new Statement(
                Insert,
                _field.Id,
                _added.Select(choice => choice.Id).ToArray(),
                _added.Select(choice => choice.Label).ToArray(),
                _added.Select(choice => choice.Color).ToArray()
            );
        }
    }

    /// <summary>How many records got another value.</summary>
    /// <exception cref="Grpc.Core.RpcException">
    /// CHOICE_IN_USE: records or views have a removed choice, and the caller does not say what they get instead.
    /// </exception>
    public async Task<int> ReplaceRemovedAsync(WriteTransaction tx, TableSchema table, bool required)
    {
        if (_removed.Count == 0)
        {
            return 0;
        }

        await ChoicesInViews.ReplaceAsync(tx, table, _removed, _replacement);
        var ids = _removed.Select(choice => choice.Id).ToArray();
        var isList = _field.Kind.IsList;
        var uses = $"t.deleted_at is null and t.{_field.Column} {(isList ? "&& $1" : "= any($1)")}";
        var count = await tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync();
                await reader.ReadAsync();
                return reader.GetInt64(0);
            },
            TableEntry.Role(tx.Call.WorkspaceId),
            new Statement($"select count(*) from {table.QualifiedName} t where {uses}", ids)
        );
        if (count > 0 && _replacement is null && (!_request.ClearRemoved || required && !isList))
        {
            throw Problem.Conflict(
                Reasons.ChoiceInUse,
                $"{count} records have a choice that would be removed{(_request.ClearRemoved ? ", and the field is required" : "")}.",
                "Name a choice for them in replaceRemovedWith, or set clearRemoved."
            );
        }

        var changed = count == 0 ? [] : await ReplaceAsync(tx, table, ids, isList, uses);
        await tx.LeaveRoleAsync();
        return changed.Length;
    }

    private async Task<Guid[]> ReplaceAsync(WriteTransaction tx, TableSchema table, Guid[] ids, bool isList, string uses)
    {
        var (call, change) = (tx.Call, Ids.New());
        var parameters = new QueryParameters();
        parameters.AddIds(ids);
        var replacement = parameters.Add(NpgsqlDbType.Uuid, _replacement?.Id);
        var (at, by) = (parameters.Add(NpgsqlDbType.TimestampTz, tx.Now.UtcDateTime), parameters.AddText(call.ActorId));
        var (workspace, environment) = (
            parameters.Add(NpgsqlDbType.Uuid, call.WorkspaceId),
            parameters.Add(NpgsqlDbType.Uuid, call.EnvironmentId)
        );
        var (changeId, tableId) = (parameters.Add(NpgsqlDbType.Uuid, change), parameters.Add(NpgsqlDbType.Uuid, table.Id));
        var value = isList
            ? $"nullif(array(select one.id from (select case when u.id = any($1) then {replacement} else u.id end as id, min(u.n) as n "
                + $"from unnest(before.{_field.Column}) with ordinality as u(id, n) group by 1) one "
                + "where one.id is not null order by one.n), '{}')"
            : replacement;
        var changed = await tx.BatchAsync(
            async reader =>
            {
                await reader.ReadAsync();
                return reader.GetFieldValue<Guid[]>(0);
            },
            new Statement(
                $"""
                with before as (select * from {table.QualifiedName} t where {uses} order by t.id for update),
                r as (
                    update {table.QualifiedName} t
                    set {_field.Column} = {value}, version = before.version + 1, updated_at = {at}, updated_by = {by}
                    from before where t.id = before.id returning t.id
                ),
                changed as (
                    insert into data.record_change
                        (workspace_id, environment_id, id, table_id, kind, record_ids, changed_at, changed_by, call_id, tool, task)
                    select {workspace}, {environment}, {changeId}, {tableId}, 'updated', array_agg(r.id order by r.id), {at}, {by},
                        {parameters.AddText(call.CallId)}, {parameters.AddText(call.Tool)}, {parameters.AddText(call.Task)}
                    from r
                ),
                kept as (
                    insert into data.record_before (workspace_id, environment_id, record_id, version, change_id, before)
                    select {workspace}, {environment}, before.id, before.version, {changeId}, to_jsonb(image)
                    from before, lateral (select before.version, before.updated_at, before.updated_by, before.{_field.Column}) as image
                )
                select array_agg(r.id order by r.id) from r
                """,
                parameters.Values
            )
        );
        if (isList && _field.Required && _replacement is null)
        {
            await CheckNoneEmptiedAsync(tx, table, changed);
        }

        tx.Announce(RecordHistory.Updated(tx, table, change, changed, [_field]), "record.updated", RecordHistory.Targets(table, changed));
        return changed;
    }

    private async Task CheckNoneEmptiedAsync(WriteTransaction tx, TableSchema table, Guid[] changed)
    {
        var emptied = await tx.ScalarAsync<long>(
            $"select count(*) from {table.QualifiedName} where id = any($1) and {_field.Column} is null",
            changed
        );
        if (emptied > 0)
        {
            throw Problem.Conflict(
                Reasons.ChoiceInUse,
                $"{emptied} records have no other choice, and the field is required.",
                "Name a choice for them in replaceRemovedWith."
            );
        }
    }

    private ChoiceSchema? Find(string labelOrId, string path)
    {
        if (_field.FindChoice(labelOrId) is { } choice)
        {
            return choice;
        }

        Refuse(path, "is not a choice of the field", "Use a label or id from list_fields.");
        return null;
    }

    private void Refuse(string path, string rule, string fix) =>
        Violations.Add(
            new Violation
            {
                Field = path,
                Rule = rule,
                Fix = fix,
            }
        );
}
