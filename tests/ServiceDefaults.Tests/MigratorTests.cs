using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed class MigratorTests(PostgresFixture postgres)
{
    private static readonly long _scripts = new[] { typeof(Migrator).Assembly, typeof(MigratorTests).Assembly }.Sum(assembly =>
        assembly.GetManifestResourceNames().Count(name => name.EndsWith(".sql", StringComparison.Ordinal))
    );

    // Each round makes roles that the cluster does not know yet: that is where migrators meet.
    [Theory]
    [InlineData("first")]
    [InlineData("second")]
    [InlineData("third")]
    public async Task Eight_databases_of_one_cluster_migrate_at_once(string round)
    {
        var service = $"{round}_race";
        var databases = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            databases.Add(await postgres.CreateAsync($"{service}_{i}", _ => Task.CompletedTask));
        }

        using var start = new Barrier(databases.Count);
        await Task.WhenAll(
            databases.Select(database =>
                Task.Factory.StartNew(
                        () =>
                        {
                            start.SignalAndWait(TestContext.Current.CancellationToken);
                            return MigrateAsync(service, database);
                        },
                        TestContext.Current.CancellationToken,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                    .Unwrap()
            )
        );

        foreach (var database in databases)
        {
            Assert.Equal(_scripts, await ScalarAsync(database, "select count(*) from migrations.applied"));
        }

        Assert.Equal(4L, await ScalarAsync(databases[0], $"select count(*) from pg_roles where rolname like '{service}\\_%'"));
    }

    [Fact]
    public async Task A_migration_applied_again_changes_nothing()
    {
        var database = await postgres.CreateAsync("again_template", database => MigrateAsync("again", database));
        await MigrateAsync("again", database);
        Assert.Equal(_scripts, await ScalarAsync(database, "select count(*) from migrations.applied"));
    }

    [Fact]
    public async Task A_database_lets_in_its_own_service_and_no_other()
    {
        var own = await postgres.CreateAsync("door_own", _ => Task.CompletedTask);
        var others = await postgres.CreateAsync("door_others", _ => Task.CompletedTask);
        await MigrateAsync("door_own", own);
        await MigrateAsync("door_others", others);
        await MigrateAsync("door_own", own);
        Assert.Equal(1, await AskAsync(own));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => AskAsync(others));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        Assert.Equal(
            "door_own_app,door_own_owner",
            await ScalarAsync(
                own,
                """
                select string_agg(distinct coalesce(r.rolname, 'public'), ',' order by coalesce(r.rolname, 'public'))
                from pg_database d cross join aclexplode(d.datacl) a left join pg_roles r on r.oid = a.grantee
                where d.datname = current_database() and a.grantee <> d.datdba
                """
            )
        );

        async Task<object?> AskAsync(string database)
        {
            await using var source = NpgsqlDataSource.Create(
                new NpgsqlConnectionStringBuilder(postgres.AdminConnectionString(database))
                {
                    Username = "door_own_app",
                    Password = "secret",
                    Pooling = false,
                }
            );
            await using var command = source.CreateCommand("select 1");
            return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }
    }

    private Task MigrateAsync(string service, string database) =>
        new Migrator(
            new ServiceIdentity(service),
            postgres.AdminConnectionString(database),
            "secret",
            new Dictionary<string, string>(),
            typeof(MigratorTests).Assembly,
            NullLogger<Migrator>.Instance
        ).ApplyAsync(TestContext.Current.CancellationToken);

    private async Task<object?> ScalarAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(postgres.AdminConnectionString(database));
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
