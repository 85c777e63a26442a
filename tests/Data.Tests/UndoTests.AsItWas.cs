using System.Text;
using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class UndoTests
{
    [Fact]
    public async Task A_task_that_created_3000_updated_500_and_deleted_20_leaves_the_tables_as_they_were()
    {
        var owner = DataFixture.Owner();
        var (table, people) = await TablesAsync(owner);
        var persons = await data.CreateRecordsAsync(owner, people, """{"Name":"Ada"}""", """{"Name":"Bob"}""");
        var before = new List<string>();
        for (var page = 0; page < 7; page++)
        {
            before.AddRange(
                await data.CreateRecordsAsync(
                    owner,
                    table,
                    [
                        .. Enumerable
                            .Range(page * 100, 100)
                            .Select(n =>
                                $$"""{"Name":"old {{n}}","N":{{n}}.50,"Tags":"""
                                + $$"""["b","a"],"At":"2026-01-02T03:04:05.678912Z","Long":"zeile {{n}}\né 😀","For":"""
                                + $$"""["{{persons[n % 2]}}"]}"""
                            ),
                    ]
                )
            );
        }

        await DeleteAsync(owner, table, before[690..700], null);
        await UpdateAsync(owner, table, before[0], """{"N":null,"Long":"changed before the task"}""", null);
        var (dump, answers) = (
            await DumpAsync(owner, table) + await DumpAsync(owner, people),
            await AnswersAsync(owner, table) + await AnswersAsync(owner, people)
        );
        var versions = await VersionsAsync(owner, table);

        var agent = owner with { Member = Ids.New(), Role = Roles.Editor };
        var task = await BeginAsync(agent);
        for (var page = 0; page < 30; page++)
        {
            // Tags that are no choice yet become one, and half of the records are for a person.
            await data.Records.CreateRecordsAsync(
                DataFixture.New(
                    table,
                    [
                        .. Enumerable
                            .Range(page * 100, 100)
                            .Select(n =>
                                $$"""{"Name":"new {{n}}","N":{{n}},"Tags":["new {{n % 3}}"],"For":["""
                                + $$"""{{(n % 2 == 0 ? $"\"{persons[0]}\"" : "")}}]}"""
                            ),
                    ]
                ),
                data.As(agent, task: task)
            );
        }

        // The names go round, so that undoing has to let a unique value go before it can give it back.
        await UpdateAsync(agent, table, before[0], """{"Name":"parked"}""", task);
        for (var n = 1; n < 499; n++)
        {
            await UpdateAsync(agent, table, before[n], $$"""{"Name":"old {{n - 1}}","N":-{{n}},"Tags":["a"]}""", task);
        }

        await UpdateAsync(agent, table, before[0], """{"Name":"old 498"}""", task);
        await UpdateAsync(agent, table, before[499], """{"At":null}""", task);

        // Links from the side that does not keep them, and a person who has another name.
        var carol = (
            await data.Records.CreateRecordAsync(
                new CreateRecordRequest
                {
                    TableId = people.Id,
                    Fields = DataFixture.Json($$"""{"Name":"Carol","Items":["{{before[1]}}","{{before[2]}}"]}"""),
                },
                data.As(agent, task: task)
            )
        )
            .Record
            .Id;
        await UpdateAsync(agent, people, carol, $$"""{"Items":["{{before[2]}}","{{before[3]}}"]}""", task);
        await UpdateAsync(agent, people, persons[1], """{"Name":"Robert"}""", task);
        await DeleteAsync(agent, table, before[500..520], task);
        Assert.NotEqual(dump, await DumpAsync(owner, table) + await DumpAsync(owner, people));

        var sum = await SumAsync();
        Assert.Equal((3000, 500, 20, 0), (sum.Created, sum.Updated, sum.Deleted, sum.ChangedSince));

        var request = new UndoTaskRequest { TaskId = task };
        var preview = await data.Changes.UndoTaskAsync(request, data.As(agent)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        Assert.NotEqual(dump, await DumpAsync(owner, table) + await DumpAsync(owner, people));
        var undo = data.Changes.UndoTaskAsync(request, data.As(agent, confirmation: preview.Confirmation.Token, idempotencyKey: "u"));
        var part = Assert.Single((await undo).Parts);
        Assert.Equal("committed", undo.GetTrailers().GetValue("x-outcome"));
        Assert.Equal(
            [("removed", 3000), ("restored", 20), ("reverted", 500)],
            part.Undone.Where(undone => undone.TableId == table.Id).Select(undone => (undone.How, undone.Count)).Order()
        );
        Assert.Equal(
            [("choice", "removed", 3), ("record", "removed", 1), ("record", "reverted", 1)],
            part.Undone.Where(undone => undone.TableId != table.Id).Select(undone => (undone.Kind, undone.How, undone.Count)).Order()
        );
        Assert.Equal((0, 0), (part.LeftCount, part.UndoneBefore));

        // What was created has no row any more, not even one marked as deleted; the rest is as PostgreSQL and as every reader saw it.
        Assert.Equal(
            (700L, 2L),
            (
                await data.ScalarAsync<long>($"select count(*) from {DataFixture.NameOf(owner, table)}"),
                await data.ScalarAsync<long>($"select count(*) from {DataFixture.NameOf(owner, people)}")
            )
        );
        Assert.Equal(dump, await DumpAsync(owner, table) + await DumpAsync(owner, people));
        Assert.Equal(answers, await AnswersAsync(owner, table) + await AnswersAsync(owner, people));
        Assert.Equal(
            part,
            Assert.Single(
                (
                    await data.Changes.UndoTaskAsync(request, data.As(agent, confirmation: preview.Confirmation.Token, idempotencyKey: "u"))
                ).Parts
            )
        );

        // Versions count on: whoever read a record in between is told so. What the task did not touch kept its own.
        var after = await VersionsAsync(owner, table);
        Assert.Equal(before[..520].ToHashSet(), before.Where(id => after[id] > versions[id]).ToHashSet());
        Assert.Equal(before[520..].ToHashSet(), before.Where(id => after[id] == versions[id]).ToHashSet());
        Assert.Equal(3, after[before[4]]);
        var happened = await data.Events.WaitAsync(one =>
            one.WorkspaceId == owner.Workspace && one.Type == nameof(RecordsUndone) && one.Read<RecordsUndone>().TableId == table.Id
        );
        Assert.Equal((3520, "task.undone"), (happened.Targets[0].Count, happened.Action));

        var again = Assert.Single((await data.Changes.UndoTaskAsync(request, data.As(agent))).Parts);
        Assert.Equal((0, 3520 + 2 + 3), (again.Undone.Count, again.UndoneBefore));
        sum = await SumAsync();
        Assert.Equal((0, 0, 0, 3520), (sum.Created, sum.Updated, sum.Deleted, sum.Undone));

        async Task<NetChange> SumAsync() =>
            Assert
                .Single((await data.Changes.SummarizeTaskAsync(new() { TaskId = task }, data.As(owner))).Parts)
                .Changes.Single(change => change.TableId == table.Id);
    }

    private async Task<(Table Items, Table People)> TablesAsync(TestCaller owner)
    {
        var database = await data.CreateDatabaseAsync(owner, "Shop");
        var people = await CreateAsync("People", DataFixture.Of("Name", FieldType.Text));
        var name = DataFixture.Of("Name", FieldType.Text);
        name.Unique = true;
        var tags = DataFixture.Of("Tags", FieldType.MultiSelect, "a", "b");
        tags.AllowNewChoices = true;
        var items = await CreateAsync(
            "Items",
            name,
            DataFixture.Of("N", FieldType.Number),
            tags,
            DataFixture.Of("At", FieldType.DateTime),
            DataFixture.Of("Long", FieldType.LongText),
            new Field
            {
                Name = "For",
                Type = FieldType.Link,
                LinkTableId = people.Id,
            }
        );
        return (items, people);

        async Task<Table> CreateAsync(string called, params Field[] fields) =>
            (
                await data.Tables.CreateTableAsync(
                    new CreateTableRequest
                    {
                        DatabaseId = database.Id,
                        Name = called,
                        Fields = { fields },
                    },
                    data.As(owner)
                )
            ).Table;
    }

    /// <summary>What every way of reading answers; only versions, which count changes, are left out.</summary>
    private async Task<string> AnswersAsync(TestCaller caller, Table table)
    {
        var told = new StringBuilder();
        told.Append(await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(caller)));
        for (
            var list = new ListRecordsRequest
            {
                TableId = table.Id,
                Limit = 200,
                IncludeTotal = true,
            };
            ;

        )
        {
            var page = await data.Records.ListRecordsAsync(list, data.As(caller));
            Tell(page.Records, page.Page);
            if (!page.Page.HasMore)
            {
                break;
            }

            list.Cursor = page.Page.NextCursor;
        }

        var search = new SearchRecordsRequest
        {
            TableId = table.Id,
            Filter = DataFixture.Json(
                """{"operator":"OR","conditions":[{"operator":"CONTAINS","leftSide":"Name","rightSide":"9"},"""
                    + """{"operator":"IS_NOT_EMPTY","leftSide":"createdAt"}]}"""
            ),
            Sorting =
            {
                new Sorting { SortingField = "Name", SortType = "DESC" },
                new Sorting { SortingField = "updatedAt" },
            },
            Limit = 200,
            IncludeTotal = true,
        };
        var found = await data.Records.SearchRecordsAsync(search, data.As(caller));
        Tell(found.Records, found.Page);
        await foreach (
            var export in data
                .Csv.ExportCsv(new ExportCsvRequest { TableId = table.Id, WithIds = true }, data.As(caller))
                .ResponseStream.ReadAllAsync()
        )
        {
            told.Append(export.Csv);
        }

        return told.ToString();

        // Cursors are sealed anew each time.
        void Tell(IEnumerable<Contracts.V1.Record> records, PageInfo page)
        {
            foreach (var record in records)
            {
                record.Version = 0;
                told.Append(record).Append(record.Fields.Utf8.ToStringUtf8());
            }

            told.Append(page.HasMore).Append(page.Total);
        }
    }

    private async Task<Dictionary<string, long>> VersionsAsync(TestCaller caller, Table table) =>
        (await data.ScalarAsync<string>($"select string_agg(id || ' ' || version, ',') from {DataFixture.NameOf(caller, table)}"))
            .Split(',')
            .Select(one => one.Split(' '))
            .ToDictionary(
                one => Ids.Format("rec", Guid.Parse(one[0])),
                one => long.Parse(one[1], System.Globalization.CultureInfo.InvariantCulture)
            );
}
