using System.Data;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<UpsertRecordsResponse> UpsertRecords(UpsertRecordsRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, async table =>
        {
            List<Json> records = [.. request.Records.Select(record => record.Fields)];
            RecordValues? values = null;
            Guid?[] found = [];
            try
            {
                return await work.WriteAsync(context, async tx =>
                {
                    var current = await NewChoices.AddAsync(tx, table, records);
                    var keys = UpsertKeys.Of(current, request.MatchFields);
                    values = RecordValues.OfKeyed(current, records, keys, PathOf);
                    var links = InverseLinks.Of(current, values);
                    found = await FindAsync(tx, current, keys, values, links);
                    var answer = new UpsertRecordsResponse
                    {
                        Records = { found.Select(id => new UpsertedRecord { Id = id is { } known ? RecordIds.Format(known) : "" }) },
                    };
                    await UpdateAsync(tx, current, Indexes(exist: true), answer);
                    await CreateAsync(tx, current, Indexes(exist: false), answer);
                    if (links is not null)
                    {
                        await LinkAsync(tx, links, answer);
                    }

                    return answer;
                });
            }
            catch (PostgresException exception) when (UniqueValues.FieldOf(exception, table) is { } field)
            {
                throw await UniqueValues.ExplainAsync(
                    work,
                    context,
                    table,
                    field,
                    values!.Columns.First(column => column.Field.Id == field.Id).Values,
                    PathOf,
                    found
                );
            }

            int[] Indexes(bool exist) => [.. Enumerable.Range(0, records.Count).Where(index => found[index].HasValue == exist)];

            async Task<Guid?[]> FindAsync(
                WriteTransaction tx,
                TableSchema current,
                List<FieldSchema> keys,
                RecordValues values,
                InverseLinks? links
            )
            {
                if (links is null)
                {
                    return await UpsertKeys.FindAsync(tx, current, keys, values, PathOf, records.Count);
                }

                // Records of several tables are locked in one order, so all of them must be known before the first lock.
                await links.LockTablesAsync(tx);
                var seen = await UpsertKeys.FindAsync(tx, current, keys, values, PathOf, records.Count, withLocks: false);
                await links.LockRecordsAsync(tx, [.. seen.OfType<Guid>()]);
                var locked = await UpsertKeys.FindAsync(tx, current, keys, values, PathOf, records.Count);
                if (!locked.SequenceEqual(seen))
                {
                    await links.LockRecordsAsync(tx, [.. locked.OfType<Guid>()]);
                }

                return locked;
            }

            async Task LinkAsync(WriteTransaction tx, InverseLinks links, UpsertRecordsResponse answer)
            {
                var ids = answer.Records.Select(record => Ids.TryParse("rec", record.Id, out var id) ? id : default).ToArray();
                await links.ApplyAsync(tx, ids);
                for (var i = 0; i < ids.Length; i++)
                {
                    var upserted = answer.Records[i];
                    upserted.Outcome = upserted.Outcome == "unchanged" && links.Changed.Contains(i) ? "updated" : upserted.Outcome;
                    upserted.Version = links.Versions.GetValueOrDefault(ids[i], upserted.Version);
                }
            }

            async Task UpdateAsync(WriteTransaction tx, TableSchema current, int[] indexes, UpsertRecordsResponse answer)
            {
                if (indexes.Length == 0)
                {
                    return;
                }

                var changes = RecordValues.OfChange(current, [.. indexes.Select(index => records[index])], index => PathOf(indexes[index]));
                var update = new RecordUpdate(current, [.. indexes.Select(index => found[index]!.Value)], changes);
                using var rows = new RecordRows(new FieldSelection([], ByName: true));
                await update.RunAsync(tx, rows);
                await tx.LeaveRoleAsync();
                foreach (var index in indexes)
                {
                    var (before, after) = update.Versions[found[index]!.Value];
                    (answer.Records[index].Outcome, answer.Records[index].Version) = after is { } version
                        ? ("updated", version)
                        : ("unchanged", before);
                }

                Guid[] changed = [.. update.Versions.Where(record => record.Value.After is not null).Select(record => record.Key).Order()];
                if (changed.Length > 0)
                {
                    tx.Announce(
                        RecordHistory.Updated(tx, current, update.ChangeId, changed, update.Fields),
                        "record.updated",
                        RecordHistory.Targets(current, changed)
                    );
                }
            }

            async Task CreateAsync(WriteTransaction tx, TableSchema current, int[] indexes, UpsertRecordsResponse answer)
            {
                if (indexes.Length == 0)
                {
                    return;
                }

                var insert = new RecordInsert(
                    current,
                    [.. indexes.Select(index => records[index])],
                    index => PathOf(indexes[index]),
                    new FieldSelection([], ByName: true),
                    withRecords: false
                )
                {
                    WithInverseLinks = false,
                };
                await insert.RunAsync(tx);
                for (var i = 0; i < indexes.Length; i++)
                {
                    var upserted = answer.Records[indexes[i]];
                    (upserted.Id, upserted.Outcome, upserted.Version) = (RecordIds.Format(insert.Ids[i]), "created", 1);
                }
            }
        });

    private static string PathOf(int index) => $"records[{index}].fields";
}

file static class UpsertKeys
{
    /// <exception cref="RpcException">
    /// INVALID_ARGUMENT: a field is unknown, is given twice, or has a type that cannot tell records apart.
    /// </exception>
    public static List<FieldSchema> Of(TableSchema table, IReadOnlyList<string> names)
    {
        var keys = new List<FieldSchema>();
        for (var i = 0; i < names.Count; i++)
        {
            var field = table.Find(names[i])
                ?? throw Problem.Invalid(
                    $"matchFields[{i}]",
                    $"{names[i]} is not a field of the table",
                    table.KnownFields(withSystem: false)
                );
            if (!field.Kind.CanMatch || keys.Contains(field))
            {
                throw Problem.Invalid(
                    $"matchFields[{i}]",
                    keys.Contains(field) ? "is given twice" : $"{field.Name} is of type {field.Kind.Name}, which cannot tell records apart",
                    $"Name each field once, of type {FieldKind.NamesOf(kind => kind.CanMatch)}."
                );
            }

            keys.Add(field);
        }

        return keys;
    }

    /// <summary>
    /// Finds the record of every key, null where there is none, and locks the records if wanted. From here on upserts into a table run one
    /// after another, so of many upserts with one key only the first creates a record.
    /// </summary>
    /// <exception cref="RpcException">A key is given twice, or two records have it.</exception>
    public static async Task<Guid?[]> FindAsync(
        WriteTransaction tx,
        TableSchema table,
        List<FieldSchema> keys,
        RecordValues values,
        Func<int, string> pathOf,
        int count,
        bool withLocks = true
    )
    {
        var (twice, again) = (new QueryParameters(), new QueryParameters());
        var names = string.Concat(keys.Select((_, index) => $"f{index}, "));
        var equal = string.Join(" and ", keys.Select((key, index) => $"{key.Kind.KeyOf($"r.{key.Column}")} = {KeyOf(key, index)}"));
        var partition = string.Join(", ", keys.Select(KeyOf));
        var violations = new List<Violation>();
        var found = await tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync();
                await reader.NextResultAsync();
                await reader.NextResultAsync();
                while (await reader.ReadAsync())
                {
                    Refuse(reader.GetInt32("i"), $"has the key of {pathOf(reader.GetInt32("first") - 1)}", "Send every key once.");
                }

                await reader.NextResultAsync();
                var matches = new List<(int Index, Guid Id)>();
                while (await reader.ReadAsync())
                {
                    matches.Add((reader.GetInt32("i"), reader.GetGuid("id")));
                }

                return matches;
            },
            TableEntry.Lock(table),
            new Statement("select pg_advisory_xact_lock(data.upsert_lock($1))", table.Id),
            TableEntry.Role(tx.Call.WorkspaceId),
            new Statement(
                $"select i::int as i, first::int as first from (select k.i, min(k.i) over (partition by {partition}) as first "
                    + $"from unnest({Arrays(twice)}) with ordinality as k({names}i)) numbered where first < i order by numbered.i",
                twice.Values
            ),
            new Statement(
                $"select k.i::int as i, r.id from unnest({Arrays(again)}) with ordinality as k({names}i) "
                    + $"join {table.QualifiedName} r on {equal} where r.deleted_at is null order by r.id"
                    + (withLocks ? " for update of r" : ""),
                again.Values
            )
        );
        await tx.LeaveRoleAsync();
        foreach (var shared in found.GroupBy(match => match.Index).Where(matches => matches.Count() > 1))
        {
            var ids = shared.Select(match => RecordIds.Format(match.Id)).ToList();
            Refuse(
                shared.Key,
                $"matches {ids.Count} records: {string.Join(", ", ids.Take(10))}",
                "Match by more fields, or merge those records first."
            );
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }

        var byIndex = new Guid?[count];
        found.ForEach(match => byIndex[match.Index - 1] = match.Id);
        return byIndex;

        static string KeyOf(FieldSchema key, int index) => key.Kind.KeyOf($"k.f{index}{key.Kind.Cast}");

        string Arrays(QueryParameters parameters) =>
            string.Join(", ", keys.Select(key => parameters.Add(key.Kind.ArrayParameter(values.Of(key)))));

        void Refuse(int index, string rule, string fix) =>
            violations.Add(
                new Violation
                {
                    Field = $"{pathOf(index - 1)}.{string.Join('+', keys.Select(key => key.Name))}",
                    Rule = rule,
                    Fix = fix,
                }
            );
    }
}
