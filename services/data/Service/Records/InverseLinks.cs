using System.Data;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>
/// Links that a call sets from the side that does not keep them. The records that keep them are changed in the same transaction, with
/// versions, history and an event of their own. Tables and records are locked in the order of their ids, whichever side a call comes
/// from; see docs/decisions/0010-links.md.
/// </summary>
internal sealed class InverseLinks
{
    private readonly TableSchema _table;
    private readonly RecordValues _values;
    private readonly ILookup<Guid, Side> _sides;
    private readonly Dictionary<Guid, TableSchema> _keepers = [];

    private InverseLinks(TableSchema table, RecordValues values)
    {
        (_table, _values) = (table, values);
        _sides = values
            .Inverses.Select(column => new Side(
                column.Field,
                column.Field.Kind.Link!,
                [.. column.Values.Select(value => value is null ? [] : LinkTarget.IdsOf(value).ToArray())]
            ))
            .ToLookup(side => side.Target.TableId);
    }

    /// <summary>Which records of the call have other links than before.</summary>
    public HashSet<int> Changed { get; } = [];

    /// <summary>The versions after the change, of the records that keep the links.</summary>
    public Dictionary<Guid, long> Versions { get; } = [];

    /// <summary>Null when the values name no such link.</summary>
    public static InverseLinks? Of(TableSchema table, RecordValues values) =>
        values.Inverses.Any() ? new InverseLinks(table, values) : null;

    /// <summary>Takes the locks of other tables that a call may need and that come before the table's own.</summary>
    public static async Task LockBelowAsync(WriteTransaction tx, TableSchema table)
    {
        foreach (
            var id in table
                .Fields.Where(field => !field.Kind.HasColumn)
                .Select(field => field.Kind.Link!.TableId)
                .Where(id => id.CompareTo(table.Id) < 0)
                .Distinct()
                .Order()
        )
        {
            await tx.BatchAsync(_ => Task.FromResult(0), TableEntry.Lock(id));
        }
    }

    /// <summary>Takes every lock. Comes and goes as the application role.</summary>
    /// <param name="tx">Its transaction.</param>
    /// <param name="own">The records of the call that exist.</param>
    public async Task LockAsync(WriteTransaction tx, Guid[] own)
    {
        await LockTablesAsync(tx);
        await LockRecordsAsync(tx, own);
    }

    /// <summary>Takes the locks of the tables, and looks at those that keep the links.</summary>
    public async Task LockTablesAsync(WriteTransaction tx)
    {
        await tx.BatchAsync(
            _ => Task.FromResult(0),
            [.. TablesInOrder().Select(id => id == _table.Id ? TableEntry.Lock(_table) : TableEntry.Lock(id))]
        );
        foreach (var id in _sides.Select(sides => sides.Key))
        {
            _keepers[id] = id == _table.Id ? _table : await TableSchemas.LoadAsync(tx, id) ?? throw new StaleSchemaException();
        }
    }

    /// <summary>Locks the records of the call, those that link to them, and those that shall.</summary>
    public async Task LockRecordsAsync(WriteTransaction tx, Guid[] own)
    {
        var tables = TablesInOrder().Where(id => _sides.Contains(id) || own.Length > 0).ToList();
        await tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync();
                foreach (var id in tables)
                {
                    foreach (var side in _sides[id])
                    {
                        side.Kept.Clear();
                    }

                    while (await reader.ReadAsync())
                    {
                        foreach (var (index, side) in _sides[id].Index())
                        {
                            side.Kept[reader.GetGuid("id")] = new Kept(
                                reader.GetFieldValue<Guid[]>($"all_{index}"),
                                reader.GetFieldValue<Guid[]>($"live_{index}")
                            );
                        }
                    }

                    await reader.NextResultAsync();
                }

                return 0;
            },
            [TableEntry.Role(tx.Call.WorkspaceId), .. tables.Select(id => LockRecords(id, own)), new Statement("set local role none")]
        );
    }

    /// <summary>Changes the records that keep the links, tells of it, and leaves as the application role.</summary>
    /// <param name="tx">Its transaction.</param>
    /// <param name="ids">Of the records of the call, in its order.</param>
    /// <exception cref="Grpc.Core.RpcException">
    /// INVALID_ARGUMENT: a link leads to no record, or a rule of the other side forbids it.
    /// </exception>
    public async Task ApplyAsync(WriteTransaction tx, Guid[] ids)
    {
        await tx.LeaveRoleAsync();
        var changes = TablesInOrder().Where(_sides.Contains).Select(id => Plan(_keepers[id], [.. _sides[id]], ids)).ToList();
        _values.Checked();
        using var rows = new RecordRows(new FieldSelection([], ByName: true));
        foreach (var (keeper, records, links) in changes.Where(change => change.Records.Length > 0))
        {
            var update = new RecordUpdate(keeper, records, links);
            await update.RunAsync(tx, rows);
            await tx.LeaveRoleAsync();
            foreach (var id in records)
            {
                Versions[id] = update.Versions[id].After!.Value;
            }

            tx.Announce(
                RecordHistory.Updated(tx, keeper, update.ChangeId, records, update.Fields),
                "record.updated",
                RecordHistory.Targets(keeper, records)
            );
        }
    }

    private IEnumerable<Guid> TablesInOrder() => _sides.Select(sides => sides.Key).Append(_table.Id).Distinct().Order();

    private Statement LockRecords(Guid tableId, Guid[] own)
    {
        var parameters = new QueryParameters();
        var sides = _sides[tableId].ToList();
        var named = sides.SelectMany(side => side.Wanted.SelectMany(ids => ids)).Concat(tableId == _table.Id ? own : []).Distinct().Order();
        var condition = $"r.id = any({parameters.AddIds([.. named])})";
        var columns = "r.id";
        foreach (var (index, side) in sides.Index())
        {
            // A link to a deleted record stays in the array, but does not count.
            columns +=
                $", coalesce({side.Column}, '{{}}') as all_{index}, array(select o.id from {_table.QualifiedName} o "
                + $"where o.id = any({side.Column}) and o.deleted_at is null) as live_{index}";
            condition += $" or {side.Column} && {parameters.AddIds(own)}";
        }

        return new Statement(
            $"select {columns} from {TableSchema.QualifiedNameOf(_table.WorkspaceId, tableId)} r "
                + $"where r.deleted_at is null and ({condition}) order by r.id for update of r",
            parameters.Values
        );
    }

    private (TableSchema Keeper, Guid[] Records, RecordValues Links) Plan(TableSchema keeper, List<Side> sides, Guid[] ids)
    {
        var planned = sides
            .Select(side => (keeper.Fields.First(field => field.Id == side.Target.FieldId), side))
            .Select(one => (Field: one.Item1, Links: Plan(one.Item1, one.side, ids)))
            .ToList();
        var records = planned.SelectMany(one => one.Links.Keys).Distinct().Order().ToArray();
        var links = RecordValues.OfLinks(keeper, records.Length);
        foreach (var (field, after) in planned)
        {
            for (var i = 0; i < records.Length; i++)
            {
                if (after.TryGetValue(records[i], out var linked))
                {
                    links.Set(field, i, linked.Count == 0 ? null : LinkTarget.Value(linked));
                }
            }
        }

        return (keeper, records, links);
    }

    /// <summary>The links that records of the other side shall have, of those that change.</summary>
    private Dictionary<Guid, List<Guid>> Plan(FieldSchema keeping, Side side, Guid[] ids)
    {
        var given = _values.GivenOf(side.Field);
        var indexes = Enumerable.Range(0, ids.Length).Where(index => given[index]).ToDictionary(index => ids[index]);
        var adding = new Dictionary<Guid, List<int>>();
        var shown = side.Kept.Values.SelectMany(kept => kept.All).Where(indexes.ContainsKey).CountBy(own => own).ToDictionary();
        foreach (var index in indexes.Values)
        {
            if (shown.GetValueOrDefault(ids[index]) is var count and > LinkTarget.MaxLinks)
            {
                _values.Refuse(
                    side.Field,
                    index,
                    $"has {count} links, and only {LinkTarget.MaxLinks} of them show and can be replaced from here",
                    side.Target.ChangedThere
                );
            }

            foreach (var id in side.Wanted[index])
            {
                if (!side.Kept.ContainsKey(id))
                {
                    _values.RefuseUnknown(side.Field, index, id);
                }
                else if (!adding.TryAdd(id, [index]))
                {
                    adding[id].Add(index);
                }
            }
        }

        var after = new Dictionary<Guid, List<Guid>>();
        foreach (var (id, kept) in side.Kept)
        {
            var wanting = adding.GetValueOrDefault(id) ?? [];
            var added = wanting.FindAll(index => !kept.All.Contains(ids[index]));
            var removed = kept.All.Where(indexes.ContainsKey).Select(own => indexes[own]).Except(wanting).ToList();
            if (added.Count + removed.Count > 0)
            {
                after[id] = Replace(keeping, side, id, kept, added, removed, ids);
                Changed.UnionWith(added.Concat(removed));
            }
        }

        return after;
    }

    private List<Guid> Replace(FieldSchema keeping, Side side, Guid id, Kept kept, List<int> added, List<int> removed, Guid[] ids)
    {
        var (target, record) = (side.Target, RecordIds.Format(id));
        var gone = removed.ConvertAll(index => ids[index]);
        var live = kept.Live.Except(gone).ToList();
        var first = added.Concat(removed).First();
        // Read from the table that keeps the links, under its lock: what this table knows of it may be older.
        var isSingle = keeping.Kind.IsSingle;
        if (isSingle && added.Count > 0 && live.Count + added.Count > 1)
        {
            var other = live.Count > 0 ? live[0] : ids[added[0]];
            _values.Refuse(
                side.Field,
                added[^1],
                $"{record} links to {RecordIds.Format(other)}, and {target.FieldName} in {target.TableName} holds one record",
                $"Take it away from {RecordIds.Format(other)} first, or change {target.FieldName} of {record}."
            );
        }
        else if (live.Count + added.Count > LinkTarget.MaxLinks)
        {
            _values.Refuse(
                side.Field,
                first,
                $"{record} would have more than {LinkTarget.MaxLinks} links in {target.FieldName}",
                "Link fewer records to it."
            );
        }
        else if (keeping.Required && live.Count + added.Count == 0)
        {
            _values.Refuse(
                side.Field,
                first,
                $"{record} would have no {target.FieldName}, which {target.TableName} requires",
                $"Change {target.FieldName} of {record}, or keep it."
            );
        }

        if (
            target.TableId == _table.Id
            && Array.IndexOf(ids, id) is >= 0 and var own
            && _values.Columns.Any(column => column.Field == keeping)
            && _values.IsGiven(keeping, own)
        )
        {
            _values.Refuse(side.Field, first, $"{record} has {target.FieldName} in the same call", "Send one side of a link per call.");
        }

        // A field that holds one record drops a link to a deleted record, as it does when it is changed from its own side.
        var staying = isSingle && added.Count > 0 ? [] : kept.All.Except(gone);
        return [.. staying, .. added.Select(index => ids[index])];
    }

    /// <summary>A field whose links another table keeps.</summary>
    /// <param name="Field">The field that the call names.</param>
    /// <param name="Target">Where the links are kept.</param>
    /// <param name="Wanted">By record of the call.</param>
    private sealed record Side(FieldSchema Field, LinkTarget Target, Guid[][] Wanted)
    {
        public string Column => $"r.{Target.OtherColumn}";

        /// <summary>What the records of the other side keep now, locked.</summary>
        public Dictionary<Guid, Kept> Kept { get; } = [];
    }

    /// <summary>The links of a record, and those of them to records that are there.</summary>
    private sealed record Kept(Guid[] All, Guid[] Live);
}
