using Platform.Data.Contracts.V1;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

/// <summary>By itself: it ends the service's connections to read how many deadlocks there were.</summary>
public sealed class LinkDeadlockTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task Eight_that_set_links_from_both_sides_at_once_wait_for_each_other_without_a_deadlock()
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner, "Shop");
        var left = await TableAsync("Left", DataFixture.Of("Name", FieldType.Text));
        var right = await TableAsync("Right", DataFixture.Of("Name", FieldType.Text), Link("Kept right", left.Id, "Shown left"));
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest { TableId = left.Id, Field = Link("Kept left", right.Id, "Shown right") },
            data.As(owner)
        );
        var lefts = await data.CreateRecordsAsync(owner, left, [.. Enumerable.Range(0, 4).Select(n => $$"""{"Name":"l{{n}}"}""")]);
        var rights = await data.CreateRecordsAsync(owner, right, [.. Enumerable.Range(0, 4).Select(n => $$"""{"Name":"r{{n}}"}""")]);

        // Every writer names all records of the other side, each from its own end: locks in the order of calls would meet in a ring.
        for (var round = 0; round < 10; round++)
        {
            await Task.WhenAll(
                Enumerable
                    .Range(0, 8)
                    .Select(n =>
                        n % 2 == 0
                            ? WriteAsync(
                                left,
                                $"l{n / 2}",
                                "Shown left",
                                "Kept left",
                                round % 2 == 0 ? rights : [rights[n / 2]],
                                upsert: n % 4 == 0
                            )
                            : WriteAsync(
                                right,
                                $"r{n / 2}",
                                "Shown right",
                                "Kept right",
                                round % 2 == 0 ? lefts : [lefts[n / 2]],
                                upsert: n % 4 == 1
                            )
                    )
            );
        }

        await data.ScalarAsync<long>(
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                + "where datname = current_database() and pid <> pg_backend_pid()"
        );
        Assert.Equal(0L, await data.ScalarAsync<long>("select deadlocks from pg_stat_database where datname = current_database()"));

        Task WriteAsync(Table table, string name, string shown, string kept, IReadOnlyList<string> links, bool upsert)
        {
            var list = string.Join("\",\"", links);
            var id = (table == left ? lefts : rights)[name[1] - '0'];
            return upsert
                ? data
                    .Records.UpsertRecordsAsync(
                        new UpsertRecordsRequest
                        {
                            TableId = table.Id,
                            MatchFields = { "Name" },
                            Records =
                            {
                                new NewRecord
                                {
                                    Fields = DataFixture.Json($$"""{"Name":"{{name}}","{{shown}}":["{{list}}"],"{{kept}}":["{{list}}"]}"""),
                                },
                            },
                        },
                        data.As(owner)
                    )
                    .ResponseAsync
                : data
                    .Records.UpdateRecordAsync(
                        new UpdateRecordRequest
                        {
                            TableId = table.Id,
                            RecordId = id,
                            Fields = DataFixture.Json($$"""{"{{shown}}":["{{list}}"]}"""),
                        },
                        data.As(owner)
                    )
                    .ResponseAsync;
        }

        async Task<Table> TableAsync(string name, params Field[] fields) =>
            (
                await data.Tables.CreateTableAsync(
                    new CreateTableRequest
                    {
                        DatabaseId = database.Id,
                        Name = name,
                        Fields = { fields },
                    },
                    data.As(owner)
                )
            ).Table;

        static Field Link(string name, string table, string inverse) =>
            new()
            {
                Name = name,
                Type = FieldType.Link,
                LinkTableId = table,
                LinkField = inverse,
            };
    }
}
