using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Indexes;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class EarnedIndexTests(EarnedIndexTests.Fixture data) : IClassFixture<EarnedIndexTests.Fixture>
{
    private const string Open = """{"operator":"IS","leftSide":"State","rightSide":"Open"}""";
    private const string OpenAndSome = """
        {"operator":"AND","conditions":[{"operator":"IS","leftSide":"State","rightSide":"Open"},
         {"operator":"IS_BETWEEN","leftSide":"Amount","lowerBound":1000,"upperBound":6000}]}
        """;

    private static readonly Sorting _latest = new() { SortingField = "Due", SortType = "DESC" };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Searches_that_are_frequent_earn_an_index_and_use_it()
    {
        var (owner, table) = await TableAsync();
        Assert.DoesNotContain(" using e_", await ExplainAsync(owner, table, OpenAndSome, _latest));
        var before = await data.SearchAsync(owner, table, OpenAndSome, _latest);
        await SearchOftenAsync(owner, table, OpenAndSome, _latest);

        var index = Assert.Single(await IndexesAsync(owner, table, 1));
        Assert.Equal(["State", "Due DESC", "id", "Amount"], index.Fields);
        var plan = await ExplainAsync(owner, table, OpenAndSome, _latest);
        Assert.Contains("Index Scan using e_", plan);
        Assert.DoesNotContain("Sort", plan);
        Assert.Equal(
            before.Records.Select(record => record.Id),
            (await data.SearchAsync(owner, table, OpenAndSome, _latest)).Records.Select(record => record.Id)
        );
        await Eventually.AsyncTrue(
            async () => (await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(owner))).Indexes[0].Uses > 0,
            () => "the use"
        );

        var told = await data.Events.WaitAsync(happened => happened.Type == nameof(IndexEarned) && happened.WorkspaceId == owner.Workspace);
        Assert.Equal(("index.created", "service", "data", table.Id), (told.Action, told.Actor.Kind, told.Actor.Id, told.Targets[0].Ids[0]));
        Assert.True(told.Read<IndexEarned>().Searches >= Fixture.MinSearches);
    }

    [Theory]
    [InlineData("IS", "State", "\"Open\"", null, false, "State|id")]
    [InlineData("IS_ONE_OF", "State", "[\"Open\"]", "Due", false, "State|Due|id")]
    [InlineData("IS_ONE_OF", "State", "[\"Open\",\"Won\"]", "Due", true, "Due DESC|id|State")]
    [InlineData("IS", "Name", "\"name 77\"", "Amount", false, "Name|Amount|id")]
    [InlineData("IS_ONE_OF", "Amount", "[77]", "Mail", false, "Amount|Mail|id")]
    [InlineData("IS_ONE_OF", "Mail", "[\"u77@example.com\"]", null, false, "Mail|id")]
    [InlineData("IS", "Mail", "\"u77@example.com\"", "Name", true, "Mail|Name DESC|id")]
    [InlineData("GREATER_THAN", "Amount", "9990", null, false, "Amount")]
    [InlineData("GREATER_THAN", "Due", "\"2026-05-01\"", "Due", true, "Due DESC|id")]
    [InlineData("IS", "Done", "true", "createdAt", true, "Done|id DESC")]
    [InlineData("IS", "createdBy", "\"mbr_7\"", "updatedAt", true, "createdBy|updatedAt DESC|id")]
    [InlineData(null, "", "", "Name", false, "Name|id")]
    public async Task The_index_is_the_one_that_the_planner_takes(
        string? filterBy,
        string field,
        string value,
        string? sortBy,
        bool descending,
        string expected
    )
    {
        var (owner, table) = await TableAsync();
        var filter = filterBy is null ? null : $$"""{"operator":"{{filterBy}}","leftSide":"{{field}}","rightSide":{{value}}}""";
        Sorting[] sorting = sortBy is null ? [] : [new Sorting { SortingField = sortBy, SortType = descending ? "DESC" : "ASC" }];
        await SearchOftenAsync(owner, table, filter, sorting);
        Assert.Equal(expected.Split('|'), Assert.Single(await IndexesAsync(owner, table, 1)).Fields);
        Assert.Contains(" e_", await ExplainAsync(owner, table, filter, sorting));
    }

    [Fact]
    public async Task Nothing_is_earned_by_rare_searches_small_tables_other_conditions_or_what_has_an_index()
    {
        var (owner, table) = await TableAsync();
        var small = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        await data.CreateRecordAsync(owner, small, """{"N":1}""");
        for (var i = 1; i < Fixture.MinSearches; i++)
        {
            await data.SearchAsync(owner, table, Open);
        }

        const string N = """{"operator":"IS","leftSide":"N","rightSide":1}""";
        string[] others =
        [
            """{"operator":"OR","conditions":[{"operator":"IS","leftSide":"Amount","rightSide":1},"""
                + """{"operator":"IS","leftSide":"Name","rightSide":"a"}]}""",
            """{"operator":"IS_NOT","leftSide":"Amount","rightSide":1}""",
            """{"operator":"CONTAINS","leftSide":"Name","rightSide":"77"}""",
            """{"operator":"IS","leftSide":"Code","rightSide":"c7"}""",
        ];
        for (var i = 0; i < 2 * Fixture.MinSearches; i++)
        {
            await data.SearchAsync(owner, small, N);
            foreach (var other in others)
            {
                await data.SearchAsync(owner, table, other);
            }
        }

        // What comes later is looked at later.
        var (_, witness) = await TableAsync(owner);
        await SearchOftenAsync(owner, witness, Open);
        await IndexesAsync(owner, witness, 1);
        await Eventually.AsyncTrue(
            async () =>
                await data.ScalarAsync<long>(
                    "select count(*) from data.search_usage where searches >= $1 and workspace_id = $2",
                    (long)Fixture.MinSearches,
                    owner.Workspace
                ) == 0,
            () => "the keeper to have looked at all"
        );
        Assert.Empty(await IndexesAsync(owner, small, 0));
        Assert.Empty(await IndexesAsync(owner, table, 0));
    }

    [Fact]
    public async Task A_table_has_so_many_indexes_and_not_one_more()
    {
        var (owner, table) = await TableAsync();
        foreach (var field in new[] { "Amount", "Due", "Name" })
        {
            await SearchOftenAsync(owner, table, null, new Sorting { SortingField = field, SortType = "ASC" });
        }

        await Eventually.AsyncTrue(
            async () =>
                await data.ScalarAsync<long>(
                    "select count(*) from data.search_usage where searches = 0 and workspace_id = $1",
                    owner.Workspace
                ) == 3,
            () => "the keeper to have looked at all"
        );
        Assert.Equal(Fixture.MaxPerTable, (await IndexesAsync(owner, table, Fixture.MaxPerTable)).Count);
    }

    [Fact]
    public async Task An_index_goes_with_the_longest_value_that_it_was_made_for()
    {
        var (owner, table) = await TableAsync();
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Name",
                MaxLength = 300,
            },
            data.As(owner)
        );
        await SearchOftenAsync(owner, table, """{"operator":"IS","leftSide":"Name","rightSide":"name 7"}""");
        await IndexesAsync(owner, table, 1);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Name",
                MaxLength = 10_000,
            },
            data.As(owner)
        );
        var random = new Random(7);
        var longest = string.Concat(Enumerable.Range(0, 10_000).Select(_ => (char)random.Next('a', 'z' + 1)));
        await data.CreateRecordAsync(owner, table, $$"""{"Name":"{{longest}}"}""");
        await IndexesAsync(owner, table, 0);
    }

    [Fact]
    public async Task Records_and_fields_change_as_before_and_an_index_goes_with_its_column()
    {
        var (owner, table) = await TableAsync();
        await SearchOftenAsync(
            owner,
            table,
            """{"operator":"IS","leftSide":"Name","rightSide":"name 7"}""",
            new Sorting { SortingField = "Mail", SortType = "ASC" }
        );
        await IndexesAsync(owner, table, 1);

        // The longest values there can be fit the index.
        var longest = string.Concat(Enumerable.Range(0, 5000).Select(i => char.ConvertFromUtf32(0x1F300 + i % 500)));
        var mail = string.Concat(Enumerable.Range(0, 300).Select(i => char.ConvertFromUtf32(0x1F300 + i * 7 % 500))) + "@example.com";
        var id = await data.CreateRecordAsync(owner, table, $$"""{"Name":"{{longest}}","Mail":"{{mail}}"}""");
        Assert.Equal(
            id,
            Assert
                .Single(
                    (await data.SearchAsync(owner, table, $$"""{"operator":"IS","leftSide":"Name","rightSide":"{{longest}}"}""")).Records
                )
                .Id
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "Name",
                Name = "Title",
                Required = false,
            },
            data.As(owner)
        );
        Assert.Equal(["Title", "Mail", "id"], Assert.Single(await IndexesAsync(owner, table, 1)).Fields);
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest { TableId = table.Id, Field = DataFixture.Of("More", FieldType.Text) },
            data.As(owner)
        );

        var column = "c_" + table.Fields.Single(field => field.Name == "Name").Id["fld_".Length..];
        await data.ExecuteAsync($"alter table {DataFixture.NameOf(owner, table)} drop column {column}");
        await IndexesAsync(owner, table, 0);
        var told = await data.Events.WaitAsync(happened =>
            happened.Type == nameof(IndexDropped) && happened.WorkspaceId == owner.Workspace
        );
        Assert.Equal("gone", told.Read<IndexDropped>().Reason);
    }

    [Fact]
    public async Task An_index_of_a_field_that_was_deleted_is_dropped()
    {
        var (owner, table) = await TableAsync();
        await SearchOftenAsync(owner, table, null, new Sorting { SortingField = "Amount", SortType = "ASC" });
        await IndexesAsync(owner, table, 1);
        await data.ExecuteAsync(
            "update data.field set deleted_at = now() where table_id = (select table_id from data.earned_index "
                + "where workspace_id = $1) and name = 'Amount'",
            owner.Workspace
        );
        await Eventually.AsyncTrue(async () => await CountAsync(owner) == 0, () => "the index to go");
        await IndexesAsync(owner, table, 0);
    }

    // Rows enough that the planner prefers an index to reading them all.
    private async Task<(TestCaller Owner, Table Table)> TableAsync(TestCaller? caller = null)
    {
        var owner = caller ?? DataFixture.Owner();
        var code = DataFixture.Of("Code", FieldType.Text);
        code.Unique = true;
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("State", FieldType.Select, "Open", "Won", "Lost", "Late", "New"),
            DataFixture.Of("Amount", FieldType.Number),
            DataFixture.Of("Due", FieldType.Date),
            DataFixture.Of("Done", FieldType.Checkbox),
            DataFixture.Of("Mail", FieldType.Email),
            code
        );
        string Column(string name) => "c_" + table.Fields.Single(field => field.Name == name).Id["fld_".Length..];
        var choices = string.Join(
            ", ",
            (await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(owner)))
                .Table.Fields.Single(field => field.Name == "State")
                .Choices.Select(choice => $"'{IdOf("cho", choice.Id)}'")
        );
        await data.ExecuteAsync(
            $"""
            insert into {DataFixture.NameOf(owner, table)} (id, version, created_at, created_by, updated_at, updated_by,
                {Column("Name")}, {Column("State")}, {Column("Amount")}, {Column("Due")}, {Column("Done")}, {Column("Mail")}, {Column(
                "Code"
            )})
            select gen_random_uuid(), 1, now(), 'mbr_' || n % 100, now() - n * interval '1 minute', 'mbr_1',
                'name ' || n % 500 || repeat(' more', 20), (array[{choices}]::uuid[])[1 + n % 5], n % 10007,
                date '2020-01-01' + n % 3000, n % 50 = 0, 'u' || n % 900 || '@example.com', 'c' || n
            from generate_series(1, {Fixture.Rows}) n;
            analyze {DataFixture.NameOf(owner, table)}
            """
        );
        return (owner, table);
    }

    private async Task SearchOftenAsync(TestCaller owner, Table table, string? filter, params Sorting[] sorting)
    {
        for (var i = 0; i < Fixture.MinSearches; i++)
        {
            await data.SearchAsync(owner, table, filter, sorting);
        }
    }

    /// <summary>What the table tells once it has so many.</summary>
    private async Task<RepeatedField<Contracts.V1.Index>> IndexesAsync(TestCaller owner, Table table, int count)
    {
        RepeatedField<Contracts.V1.Index> indexes = [];
        await Eventually.AsyncTrue(
            async () =>
            {
                indexes = (await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(owner))).Indexes;
                return indexes.Count == count;
            },
            () => $"{count} indexes"
        );
        return indexes;
    }

    private Task<long> CountAsync(TestCaller owner) =>
        data.ScalarAsync<long>(
            "select count(*) from pg_class where relkind = 'i' and relname like 'e\\_%' and relnamespace = $1::regnamespace",
            $"ws_{owner.Workspace:n}"
        );

    /// <summary>The plan of the very statement that a search runs.</summary>
    private async Task<string> ExplainAsync(TestCaller owner, Table table, string? filter, params Sorting[] sorting)
    {
        var lines = new List<string>();
        await data
            .Services.GetRequiredService<UnitOfWork>()
            .WriteAsync(
                EarnedIndexes.CallIn(owner.Workspace, owner.Environment!.Value),
                async tx =>
                {
                    var schema = (await TableSchemas.LoadAsync(tx, IdOf("tbl", table.Id)))!;
                    using var rows = new RecordRows(FieldSelection.Of(schema, [], "", allByDefault: true));
                    var query = new RecordQuery(
                        schema,
                        rows,
                        data.Services.GetRequiredService<Cursors>(),
                        tx.Now,
                        new PageRequest(null, filter is null ? null : DataFixture.Json(filter), sorting, 50, "", WithTotal: false)
                    );
                    await tx.EnterAsync(new SessionSettings(schema.Role, ForceCustomPlan: true));
                    lines = await tx.QueryAsync(
                        "explain " + query.Statements[1].Sql,
                        row => row.GetString(0),
                        query.Statements[1].Arguments
                    );
                    return new Empty();
                },
                SessionSettings.Default,
                Cancellation
            );
        return string.Join('\n', lines);
    }

    private static Guid IdOf(string prefix, string key) => Ids.TryParse(prefix, key, out var id) ? id : throw new FormatException(key);

    public sealed class Fixture(PostgresFixture postgres) : DataFixture(postgres)
    {
        /// <summary>The connections of the service.</summary>
        public NpgsqlDataSource Pool => Services.GetRequiredService<NpgsqlDataSource>();

        public const int MinSearches = 5;
        public const int MaxPerTable = 2;
        public const int Rows = 20_000;

        protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
            [
                new("Indexes:MinSearches", $"{MinSearches}"),
                new("Indexes:MinMilliseconds", "0"),
                new("Indexes:MinRecords", "100"),
                new("Indexes:MaxPerTable", $"{MaxPerTable}"),
                new("Indexes:CountEvery", "00:00:00.050"),
                new("Indexes:LookEvery", "00:00:00.050"),
                new("Indexes:TidyEvery", "00:00:00.100"),
            ];
    }
}
