using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Tests;

public sealed partial class SchemaTests
{
    [Fact]
    public async Task Schema_changes_and_writers_race_and_nothing_is_lost_or_fails()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var writers = Enumerable
            .Range(0, 8)
            .Select(async writer =>
            {
                for (var i = 0; i < 10; i++)
                {
                    await data.CreateRecordsAsync(owner, table, $$"""{"N":{{writer}}}""", $$"""{"N":{{i}}}""");
                    await data.SearchAsync(owner, table, """{"operator":"IS","leftSide":"N","rightSide":3}""");
                }
            });
        var changes = Enumerable
            .Range(0, 6)
            .Select(n =>
                data.Tables.CreateFieldAsync(
                    new CreateFieldRequest { TableId = table.Id, Field = DataFixture.Of($"F{n}", FieldType.Text) },
                    data.As(owner)
                ).ResponseAsync
            );
        await Task.WhenAll(writers.Concat<Task>(changes));

        var all = await data.Records.ListRecordsAsync(
            new ListRecordsRequest
            {
                TableId = table.Id,
                Limit = 1,
                IncludeTotal = true,
            },
            data.As(owner)
        );
        Assert.Equal(160, all.Page.Total);
        Assert.Equal(7, (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(owner))).Fields.Count);
    }

    [Fact]
    public async Task Writers_wait_for_a_schema_change_and_a_schema_change_for_writers()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        await AssertWaitsAsync("select data.begin_schema_change($1)", () => data.CreateRecordAsync(owner, table, "{}"));
        await AssertWaitsAsync("select pg_advisory_xact_lock_shared(data.table_lock($1))", () =>
            data
                .Tables.CreateFieldAsync(
                    new CreateFieldRequest { TableId = table.Id, Field = DataFixture.Of("B", FieldType.Text) },
                    data.As(owner)
                )
                .ResponseAsync
        );

        async Task AssertWaitsAsync(string take, Func<Task> call)
        {
            await using var connection = await data.Admin.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var taking = new NpgsqlCommand(take, connection)
            {
                Parameters = { new() { Value = Ids.TryParse("tbl", table.Id, out var id) ? id : default } },
            };
            await taking.ExecuteNonQueryAsync();
            var waiting = call();
            while (
                await data.ScalarAsync<long>(
                    "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid "
                        + "from pg_database where datname = current_database())"
                ) == 0
            )
            {
                Assert.False(waiting.IsCompleted);
            }

            await transaction.CommitAsync();
            await waiting;
        }
    }

    [Fact]
    public async Task A_field_that_another_process_added_is_known_without_asking_first()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var record = await data.CreateRecordAsync(owner, table, """{"A":"a"}""");
        await data.GetRecordAsync(owner, table, record);
        var (id, tableId) = (Ids.New(), Ids.TryParse("tbl", table.Id, out var parsed) ? parsed : default);
        await data.ExecuteAsync(
            """
            insert into data.field
                (workspace_id, environment_id, id, table_id, position, name, type, description, required, is_unique, allow_new_choices,
                    created_at, created_by)
            select workspace_id, environment_id, $1, table_id, 1, 'B', 'text', '', false, false, false, created_at, created_by
            from data.field where table_id = $2
            """,
            id,
            tableId
        );
        await data.ExecuteAsync(
            $"alter table {DataFixture.NameOf(owner, table)} add column c_{Ids.Format("fld", id)["fld_".Length..]} text"
        );
        await data.ExecuteAsync("update data.database_table set schema_version = schema_version + 1 where id = $1", tableId);

        Assert.Equal("""{"A":"a","B":null}""", (await data.GetRecordAsync(owner, table, record)).Fields.Utf8.ToStringUtf8());
        await data.CreateRecordAsync(owner, table, """{"B":"b"}""");
        Assert.Single((await data.SearchAsync(owner, table, """{"operator":"IS","leftSide":"B","rightSide":"b"}""")).Records);
    }

    [Fact]
    public async Task Repeating_a_creation_with_its_idempotency_key_answers_the_same()
    {
        var owner = DataFixture.Owner();
        var request = new CreateDatabaseRequest { Name = "Once" };
        var databases = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ => data.Databases.CreateDatabaseAsync(request, data.As(owner, idempotencyKey: "d")).ResponseAsync)
        );
        var database = Assert.Single(databases.Select(answer => answer.Database.Id).Distinct());
        var creation = new CreateTableRequest
        {
            DatabaseId = database,
            Name = "Once",
            Fields = { DataFixture.Of("A", FieldType.Text) },
        };
        var tables = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => data.Tables.CreateTableAsync(creation, data.As(owner, idempotencyKey: "t")).ResponseAsync)
        );
        var table = Assert.Single(tables.Select(answer => answer.Table.Id).Distinct());
        var addition = new CreateFieldRequest { TableId = table, Field = DataFixture.Of("B", FieldType.Text) };
        var fields = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => data.Tables.CreateFieldAsync(addition, data.As(owner, idempotencyKey: "f")).ResponseAsync)
        );
        Assert.Single(fields.Select(answer => answer.Field.Id).Distinct());
    }
}
