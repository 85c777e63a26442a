using Npgsql;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class IsolationTests(DataFixture data) : IClassFixture<DataFixture>
{
    private const string LooselyBound = """
        select count(*) from pg_policies where schemaname = 'data' and roles <> '{data_keeper}'
            and coalesce(qual, with_check) || coalesce(with_check, qual) not like '%environment_id()%environment_id()%'
        """;

    [Fact]
    public Task Every_fixed_table_is_under_forced_row_level_security_and_only_the_keeper_of_indexes_sees_past_the_workspace() =>
        TenancyLaws.AssertAsync(
            data.Admin,
            "data",
            "data.earned_index: keeper_read",
            "data.search_usage: keeper_forget",
            "data.search_usage: keeper_read"
        );

    [Fact]
    public async Task Every_policy_of_a_fixed_table_names_the_environment() => Assert.Equal(0L, await data.ScalarAsync<long>(LooselyBound));

    [Fact]
    public async Task The_service_reads_no_user_table_without_entering_its_workspace()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            await RefusedAsync(null, $"select * from {DataFixture.NameOf(owner, table)}")
        );
    }

    [Fact]
    public async Task The_role_of_a_workspace_reaches_its_own_tables_and_nothing_else()
    {
        var (mine, other) = (DataFixture.Owner(), DataFixture.Owner());
        var (table, foreign) = (
            await data.CreateTableAsync(mine, DataFixture.Of("A", FieldType.Text)),
            await data.CreateTableAsync(other, DataFixture.Of("A", FieldType.Text))
        );
        var role = $"ws_{mine.Workspace:n}";
        Assert.Null(await RefusedAsync(role, $"select * from {DataFixture.NameOf(mine, table)}"));
        foreach (
            var sql in new[]
            {
                $"select * from {DataFixture.NameOf(other, foreign)}",
                $"insert into {DataFixture.NameOf(other, foreign)} (id) values (gen_random_uuid())",
                "select * from data.field",
                "delete from data.record_before",
                "update data.record_change set tool = ''",
                "select * from platform.outbox",
                "select data.ensure_workspace()",
                $"set local role none; set local role ws_{other.Workspace:n}; set local role {role}; create role more",
                "create schema more",
            }
        )
        {
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(role, sql));
        }
    }

    [Fact]
    public async Task The_role_of_a_workspace_reads_its_own_history_whatever_the_settings_say()
    {
        var (mine, other) = (DataFixture.Owner(), DataFixture.Owner());
        foreach (var owner in new[] { mine, other })
        {
            await data.CreateRecordAsync(owner, await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text)), """{"A":"a"}""");
        }

        const string Found =
            "do $$ begin if exists (select from data.record_change) then raise exception 'found' using errcode = 'PF001'; end if; end $$";
        Assert.Equal("PF001", await RefusedAsync($"ws_{mine.Workspace:n}", Found, mine));
        Assert.Null(await RefusedAsync($"ws_{mine.Workspace:n}", Found, other));
        Assert.Null(await RefusedAsync($"ws_{mine.Workspace:n}", Found, mine with { Environment = Guid.NewGuid() }));
    }

    [Fact]
    public async Task History_takes_no_row_of_another_workspace_or_environment()
    {
        var owner = DataFixture.Owner();
        await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        foreach (
            var (workspace, environment, refused) in new[]
            {
                (owner.Workspace, owner.Environment!.Value, (string?)null),
                (Guid.NewGuid(), owner.Environment.Value, PostgresErrorCodes.InsufficientPrivilege),
                (owner.Workspace, Guid.NewGuid(), PostgresErrorCodes.InsufficientPrivilege),
            }
        )
        {
            Assert.Equal(
                refused,
                await RefusedAsync(
                    $"ws_{owner.Workspace:n}",
                    $"""
                    insert into data.record_before (workspace_id, environment_id, record_id, version, change_id, before)
                    values ('{workspace}', '{environment}', gen_random_uuid(), 1, gen_random_uuid(), '{"{}"}')
                    """,
                    owner
                )
            );
        }
    }

    [Fact]
    public async Task Without_a_workspace_the_service_sees_no_row_of_a_fixed_table()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        await data.CreateRecordAsync(owner, table, """{"Text":"a"}""");
        foreach (
            var name in new[]
            {
                "database",
                "database_table",
                "field",
                "choice",
                "record_change",
                "record_before",
                "search_usage",
                "earned_index",
            }
        )
        {
            await using var command = data.App.CreateCommand($"select count(*) from data.{name}");
            Assert.Equal(0L, await command.ExecuteScalarAsync());
        }
    }

    /// <summary>
    /// The SQLSTATE that a statement ends with as the application role, or as one that it entered. Null when it succeeds.
    /// </summary>
    private async Task<string?> RefusedAsync(string? role, string sql, TestCaller? caller = null)
    {
        await using var connection = await data.App.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(
            $"""
            set local platform.workspace_id = '{caller?.Workspace}'; set local platform.environment_id = '{caller?.Environment}';
            set local role {role ?? "none"}; {sql}
            """,
            connection
        );
        try
        {
            await command.ExecuteNonQueryAsync();
            return null;
        }
        catch (PostgresException exception)
        {
            return exception.SqlState;
        }
    }
}
