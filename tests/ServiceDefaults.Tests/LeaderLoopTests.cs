using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Platform.ServiceDefaults.State;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed class LeaderLoopTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    private readonly string _name = $"test.{Guid.NewGuid()}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_three_replicas_one_leads_and_another_takes_over_when_its_session_is_killed()
    {
        await AdminAsync(
            "create table public.turn (n bigint generated always as identity, pid int); grant insert on public.turn to notes_relay"
        );
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var sessions = new ConcurrentQueue<int>();
        var replicas = Enumerable
            .Range(0, 3)
            .Select(_ =>
                Loop(notes.App)
                    .RunAsync(
                        _name,
                        "notes_relay",
                        async (session, stopping) =>
                        {
                            sessions.Enqueue(session.Connection.ProcessID);
                            while (!stopping.IsCancellationRequested)
                            {
                                await ScalarAsync(
                                    session.Connection,
                                    "insert into public.turn (pid) values (pg_backend_pid()) returning null"
                                );
                            }
                        },
                        stop.Token
                    )
            )
            .ToList();

        for (var led = 1; led <= 3; led++)
        {
            await Eventually.True(() => sessions.Count >= led, () => $"leader {led}");
            await AdminAsync($"select pg_terminate_backend({sessions.Last()})");
        }

        await Eventually.True(() => sessions.Count >= 4, () => "the last leader");
        await stop.CancelAsync();
        await Task.WhenAll(replicas);
        Assert.Equal(sessions.Count, sessions.Distinct().Count());

        // A replica that has lost the lead has lost its session: it does not work again after another has begun.
        await using var turns = notes.Admin.CreateCommand(
            """
            select count(*) filter (where changed) + 1 - count(distinct pid)
            from (select pid, pid <> lag(pid) over (order by n) as changed from public.turn) t
            """
        );
        Assert.Equal(0L, await turns.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task Work_that_fails_is_done_again()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var runs = 0;
        await Loop(notes.App)
            .RunAsync(
                _name,
                "notes_relay",
                async (_, _) =>
                {
                    if (++runs < 3)
                    {
                        throw new InvalidOperationException("Once more.");
                    }

                    await stop.CancelAsync();
                },
                stop.Token
            )
            .WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        Assert.Equal(3, runs);
    }

    [Fact]
    public async Task A_session_goes_back_to_the_pool_without_role_and_locks()
    {
        await using var one = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(notes.App.ConnectionString)
            {
                Password = "app-test",
                MaxPoolSize = 1,
                NoResetOnClose = true,
            }
        );
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await Loop(one)
            .RunAsync(
                _name,
                "notes_relay",
                async (session, _) =>
                {
                    Assert.Equal("notes_relay", await ScalarAsync(session.Connection, "select current_user::text"));
                    Assert.True(await session.TryLeadAsync("another", Cancellation));
                    await stop.CancelAsync();
                },
                stop.Token
            )
            .WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        await using var pooled = await one.OpenConnectionAsync(Cancellation);
        Assert.Equal("notes_app", await ScalarAsync(pooled, "select current_user::text"));
        Assert.Equal(0L, await ScalarAsync(pooled, "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"));
    }

    [Fact]
    public async Task A_lead_that_is_given_back_is_free_for_another_session()
    {
        await using var first = await notes.App.OpenConnectionAsync(Cancellation);
        await using var second = await notes.App.OpenConnectionAsync(Cancellation);
        var (mine, theirs) = (new LeaderSession(first), new LeaderSession(second));
        Assert.True(await mine.TryLeadAsync(_name, Cancellation));
        Assert.False(await theirs.TryLeadAsync(_name, Cancellation));
        await mine.ReleaseAsync(_name, Cancellation);
        Assert.True(await theirs.TryLeadAsync(_name, Cancellation));
    }

    private static LeaderLoop Loop(NpgsqlDataSource database) => new(database, TimeProvider.System, NullLogger<LeaderLoop>.Instance);

    private async Task AdminAsync(string sql)
    {
        await using var command = notes.Admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
