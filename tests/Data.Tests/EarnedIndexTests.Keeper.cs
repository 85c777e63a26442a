using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Indexes;
using Platform.ServiceDefaults.State;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class EarnedIndexTests
{
    [Fact]
    public async Task An_index_that_nobody_uses_for_long_is_dropped_and_one_in_use_is_not()
    {
        var (owner, table) = await TableAsync();
        await SearchOftenAsync(owner, table, Open);
        await SearchOftenAsync(owner, table, null, _latest);
        await IndexesAsync(owner, table, 2);
        await Eventually.AsyncTrue(
            async () =>
            {
                // PostgreSQL tells late of searches before.
                await data.ExecuteAsync(
                    "update data.earned_index set last_used_at = now() - interval '31 days' "
                        + "where workspace_id = $1 and keys[1] like '%Equal'",
                    owner.Workspace
                );
                await data.SearchAsync(owner, table, null, _latest);
                return await CountAsync(owner) == 1;
            },
            () => "the index to go"
        );
        Assert.Equal("Due DESC", Assert.Single(await IndexesAsync(owner, table, 1)).Fields[0]);
        var told = await data.Events.WaitAsync(happened =>
            happened.Type == nameof(IndexDropped) && happened.WorkspaceId == owner.Workspace
        );
        Assert.Equal("unused", told.Read<IndexDropped>().Reason);
    }

    [Fact]
    public async Task What_a_killed_keeper_left_is_ended_or_removed()
    {
        var (owner, table) = await TableAsync();
        var name = DataFixture.NameOf(owner, table);
        foreach (var (index, keys, built) in new[] { ("e_finished", "Due", true), ("e_missing", "Amount", false) })
        {
            var field = table.Fields.Single(field => field.Name == keys);
            if (built)
            {
                await data.ExecuteAsync(
                    $"set role ws_{owner.Workspace:n}; create index {index} on {name} (c_{field.Id["fld_".Length..]}); reset role"
                );
            }

            await data.ExecuteAsync(
                """
                insert into data.earned_index (workspace_id, environment_id, id, table_id, name, keys, created_at, last_used_at)
                select workspace_id, environment_id, gen_random_uuid(), id, $2, array[$3 || ' Ascending'], now(), now()
                from data.database_table where workspace_id = $1
                """,
                owner.Workspace,
                index,
                field.Id
            );
        }

        Assert.Equal("Due", Assert.Single(Assert.Single(await IndexesAsync(owner, table, 1)).Fields));
        await Eventually.AsyncTrue(
            async () =>
                await data.ScalarAsync<long>("select count(*) from data.earned_index where workspace_id = $1", owner.Workspace) == 1,
            () => "the missing one to be forgotten"
        );
    }

    [Fact]
    public async Task Of_several_keepers_one_builds()
    {
        var second = new IndexKeeper(
            new LeaderLoop(data.Pool, TimeProvider.System, NullLogger<LeaderLoop>.Instance),
            new IndexBuilder(data.Pool, TimeProvider.System),
            data.Services.GetRequiredService<UnitOfWork>(),
            data.Services.GetRequiredService<IOptions<IndexOptions>>(),
            TimeProvider.System,
            NullLogger<IndexKeeper>.Instance
        );
        await second.StartAsync(Cancellation);
        var (owner, table) = await TableAsync();
        for (var i = 0; i < 3; i++)
        {
            await data.ExecuteAsync(
                """
                select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and objsubid = 1
                    and (classid::bigint << 32 | objid::bigint) = hashtextextended('platform.data.indexes', 0)
                    and database = (select oid from pg_database where datname = current_database())
                """
            );
            await SearchOftenAsync(
                owner,
                table,
                Open,
                i == 0 ? [] : [new Sorting { SortingField = i == 1 ? "Due" : "Amount", SortType = "ASC" }]
            );
        }

        await IndexesAsync(owner, table, Fixture.MaxPerTable);
        await Eventually.AsyncTrue(
            async () =>
                await CountAsync(owner)
                == await data.ScalarAsync<long>(
                    "select count(*) from data.earned_index where workspace_id = $1 and is_ready",
                    owner.Workspace
                ),
            () => "no index without a row"
        );
        await second.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_schema_change_does_not_wait_for_an_index()
    {
        var (owner, table) = await TableAsync();
        // A build waits for those who write the table; the field is created nevertheless.
        await using var writer = await data.Admin.OpenConnectionAsync(Cancellation);
        await using (var lasting = await writer.BeginTransactionAsync(Cancellation))
        {
            await using var write = new NpgsqlCommand($"lock table {DataFixture.NameOf(owner, table)} in row exclusive mode", writer);
            await write.ExecuteNonQueryAsync(Cancellation);
            await SearchOftenAsync(owner, table, Open);
            await Eventually.AsyncTrue(
                async () =>
                    await data.ScalarAsync<long>(
                        "select count(*) from pg_stat_progress_create_index p join pg_class c on c.oid = p.relid where c.relname = $1",
                        "t_" + table.Id["tbl_".Length..]
                    ) == 1,
                () => "the build"
            );
            await using var change = await data.Admin.OpenConnectionAsync(Cancellation);
            await using var begin = new NpgsqlCommand(
                "select data.begin_schema_change(id) from data.database_table where workspace_id = $1",
                change
            )
            {
                Parameters = { new() { Value = owner.Workspace } },
            };
            await Eventually.AsyncTrue(
                async () =>
                {
                    try
                    {
                        await begin.ExecuteNonQueryAsync(Cancellation);
                        return true;
                    }
                    catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
                    {
                        return false;
                    }
                },
                () => "the schema change"
            );
            await lasting.CommitAsync(Cancellation);
        }

        await IndexesAsync(owner, table, 1);
    }

    [Fact]
    public async Task An_index_is_of_one_workspace_and_environment()
    {
        var (owner, table) = await TableAsync();
        var other = DataFixture.Owner();
        await SearchOftenAsync(owner, table, Open);
        await IndexesAsync(owner, table, 1);
        Assert.Equal(
            owner.Workspace,
            await data.ScalarAsync<Guid>(
                "select distinct workspace_id from data.earned_index where name in (select relname from pg_class "
                    + "where relnamespace = $1::regnamespace)",
                $"ws_{owner.Workspace:n}"
            )
        );
        Assert.Equal(
            $"ws_{owner.Workspace:n}",
            await data.ScalarAsync<string>(
                "select pg_get_userbyid(c.relowner)::text from pg_class c join data.earned_index e on e.name = c.relname "
                    + "where e.workspace_id = $1",
                owner.Workspace
            )
        );
        foreach (var caller in new[] { other, owner with { Environment = Guid.NewGuid() } })
        {
            var problem = await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(caller)).ProblemAsync();
            Assert.Equal("NOT_FOUND", problem.Reason);
        }

        // The keeper's role sees which tables there are, and no record of any.
        await using var connection = await data.App.OpenConnectionAsync(Cancellation);
        await using var peek = new NpgsqlCommand(
            $"set role {IndexKeeper.Role}; select * from {DataFixture.NameOf(owner, table)}",
            connection
        );
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            (await Assert.ThrowsAsync<PostgresException>(() => peek.ExecuteNonQueryAsync(Cancellation))).SqlState
        );
        await using var reset = new NpgsqlCommand("reset role", connection);
        await reset.ExecuteNonQueryAsync(Cancellation);
    }
}
