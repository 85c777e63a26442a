using Grpc.Core;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>
/// Inserts records of one table: lock, history and all rows in one round trip, with one column of values per field. When the transaction
/// runs again, <see cref="RunAsync"/> can run again too.
/// </summary>
/// <param name="table">Whose records.</param>
/// <param name="records">A JSON object of values each.</param>
/// <param name="pathOf">The path of a record's values as the caller spelled it.</param>
/// <param name="selection">The fields to read back.</param>
/// <param name="withRecords">Whether to read anything back.</param>
internal sealed class RecordInsert(
    TableSchema table,
    IReadOnlyList<Json> records,
    Func<int, string> pathOf,
    FieldSelection selection,
    bool withRecords
)
{
    private RecordValues? _values;

    private const int Slice = 1000;

    /// <summary>False when the caller sees to links that other tables keep.</summary>
    public bool WithInverseLinks { get; init; } = true;

    /// <summary>Whether the values were cells of a file: what is refused is explained for cells then.</summary>
    public bool FromCells { get; init; }

    /// <summary>Called before every further thousand with how many are written. When it is not set, all are written at once.</summary>
    public Func<int, Task>? Written { get; init; }

    public Guid[] Ids { get; private set; } = [];

    /// <summary>In the order of the request; empty when nothing was to be read back.</summary>
    public List<Record> Records { get; private set; } = [];

    public async Task RunAsync(WriteTransaction tx)
    {
        var current = await NewChoices.AddAsync(tx, table, records);
        _values = RecordValues.OfNew(current, records, pathOf, FromCells);
        await _values.CheckLinksAsync(tx);
        var createdAt = RecordIds.CreationTime(tx.Now);
        Ids = RecordIds.New(createdAt, records.Count);
        if (WithInverseLinks && InverseLinks.Of(current, _values) is { } links)
        {
            // This comes before the records are inserted, so that the records that are read back show the links.
            await links.LockAsync(tx, []);
            await links.ApplyAsync(tx, Ids);
        }

        var change = RecordHistory.Change(tx, current, "created", Ids);
        var first = Written is null ? records.Count : Math.Min(Slice, records.Count);
        Records = await tx.BatchAsync(
            async reader =>
            {
                // The results of the lock and of the role come before the records.
                await reader.NextResultAsync();
                await reader.NextResultAsync();
                return withRecords ? await ReadAsync(reader, current) : [];
            },
            TableEntry.Lock(current),
            change.Insert,
            TableEntry.Role(tx.Call.WorkspaceId),
            Insert(tx, current, createdAt, ..first)
        );
        for (var from = first; from < records.Count; from += Slice)
        {
            await Written!(from);
            await tx.BatchAsync(_ => Task.FromResult(0), Insert(tx, current, createdAt, from..Math.Min(from + Slice, records.Count)));
        }

        var keys = Ids.Select(RecordIds.Format).ToList();
        tx.Announce(
            new RecordsCreated(
                tx.NewEventId(),
                tx.Call.WorkspaceId,
                tx.Now,
                current.Key,
                change.Id,
                keys.Count <= Target.MaxIds ? keys : keys[..Target.MaxIds],
                keys.Count
            ),
            "record.created",
            new Target("record", keys),
            new Target("table", current.Key)
        );
    }

    /// <summary>Runs the change, and when a unique field refuses it, finds out which record has which value already.</summary>
    public async Task<T> ExplainAsync<T>(UnitOfWork work, ServerCallContext context, Func<Task<T>> change)
    {
        try
        {
            return await change();
        }
        catch (PostgresException exception) when (UniqueValues.FieldOf(exception, table) is { } field)
        {
            throw await UniqueValues.ExplainAsync(
                work,
                context,
                table,
                field,
                _values!.Columns.First(column => column.Field.Id == field.Id).Values,
                pathOf
            );
        }
    }

    private Statement Insert(WriteTransaction tx, TableSchema current, DateTime createdAt, Range slice)
    {
        var parameters = new QueryParameters();
        var ids = parameters.AddIds(Ids[slice]);
        var at = parameters.Add(NpgsqlDbType.TimestampTz, createdAt);
        var by = parameters.AddText(tx.Call.ActorId);
        var columns = _values!.Columns.ToList();
        var names = string.Concat(columns.Select(column => $", {column.Field.Column}"));
        var values = string.Concat(columns.Select((column, index) => $", v.f{index}{column.Field.Kind.Cast}"));
        var arrays = string.Concat(columns.Select(column => ", " + parameters.Add(column.Field.Kind.ArrayParameter(column.Values[slice]))));
        var aliases = string.Concat(columns.Select((_, index) => $", f{index}"));
        var returning = withRecords ? $" returning {Rows().Columns}" : "";
        return new Statement(
            $"insert into {current.QualifiedName} as r (id, version, created_at, created_by, updated_at, updated_by{names}) "
                + $"select v.id, 1, {at}, {by}, {at}, {by}{values} from unnest({ids}{arrays}) as v(id{aliases}){returning}",
            parameters.Values
        );
    }

    private async Task<List<Record>> ReadAsync(NpgsqlDataReader reader, TableSchema current)
    {
        using var rows = Rows(current);
        var read = new List<Record>(records.Count);
        while (await reader.ReadAsync())
        {
            read.Add(rows.Read(reader));
        }

        // Ids are in the order of the request; rows may come in another order.
        read.Sort((left, right) => string.CompareOrdinal(left.Id, right.Id));
        return read;
    }

    private RecordRows Rows(TableSchema? current = null) =>
        new(selection with { Fields = [.. selection.Fields.Select(field => (current ?? table).Find(field.Key)!)] });
}
