using System.Text;
using Npgsql;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

public sealed class LogTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private const string Roles =
        "select rolname from unnest(array['audit_app', 'audit_relay', 'audit_intake', 'audit_sequencer', 'audit_streamer']) r(rolname)";

    private readonly Guid _workspace = Ids.New();

    [Fact]
    public async Task Events_get_gapless_sequences_in_order_of_arrival()
    {
        var events = Enumerable.Range(0, 25).Select(_ => AuditFixture.Event(_workspace)).ToList();
        events.Reverse();
        await audit.ConsumeAsync([.. events.Take(10)]);
        await audit.ConsumeAsync([.. events.Skip(10)]);
        var log = await audit.LogOfAsync(_workspace, 25);
        Assert.Equal(Enumerable.Range(1, 25).Select(n => (long)n), log.Select(row => row.Sequence));
        Assert.Equal(events.Select(happened => happened.EventId), log.Select(row => row.Id));
    }

    [Fact]
    public async Task A_batch_that_comes_again_changes_nothing_before_and_after_it_is_in_the_log()
    {
        var events = Enumerable.Range(0, 5).Select(_ => AuditFixture.Event(_workspace)).ToList();
        await Task.WhenAll(audit.ConsumeAsync(events), audit.ConsumeAsync(events), audit.ConsumeAsync([events[4], events[0]]));
        await audit.LogOfAsync(_workspace, 5);
        await audit.ConsumeAsync([.. events, AuditFixture.Event(_workspace)]);
        Assert.Equal([1, 2, 3, 4, 5, 6], (await audit.LogOfAsync(_workspace, 6)).Select(row => row.Sequence));
        Assert.Equal(6, (await audit.LogOfAsync(_workspace, 6)).Select(row => row.Id).Distinct().Count());
    }

    [Fact]
    public async Task The_same_event_id_in_another_workspace_is_another_event()
    {
        var mine = AuditFixture.Event(_workspace);
        var other = Ids.New();
        await audit.ConsumeAsync(mine, mine with { WorkspaceId = other });
        Assert.Single(await audit.LogOfAsync(_workspace, 1));
        Assert.Single(await audit.LogOfAsync(other, 1));
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_when_the_sequencer_is_killed_again_and_again_under_load()
    {
        var workspaces = Enumerable.Range(0, 3).Select(_ => Ids.New()).ToList();
        var batches = Enumerable
            .Range(0, 60)
            .Select(i => Enumerable.Range(0, 40).Select(n => AuditFixture.Event(workspaces[(i + n) % 3])).ToList())
            .ToList();
        using var stop = new CancellationTokenSource();
        var kills = 0L;
        var killer = Task.Run(async () =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(150));
            while (!stop.IsCancellationRequested)
            {
                kills += await audit.ScalarAsync<long>(
                    """
                    select count(pg_terminate_backend(l.pid)) from pg_locks l
                    where l.locktype = 'advisory'
                        and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('platform.audit.sequencer', 0)
                    """
                );
                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        });
        await Parallel.ForEachAsync(batches, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (batch, _) =>
        {
            await audit.ConsumeAsync(batch);
            await audit.ConsumeAsync([.. batch.Take(7)]);
        });
        await Eventually.True(() => kills >= 2, () => "the sequencer to be killed twice");
        await stop.CancelAsync();
        await killer;
        foreach (var workspace in workspaces)
        {
            var log = await audit.LogOfAsync(workspace, 800);
            Assert.Equal(Enumerable.Range(1, 800).Select(n => (long)n), log.Select(row => row.Sequence));
            Assert.Equal(800, log.Select(row => row.Id).Distinct().Count());
            await AssertTreeAsync(workspace);
        }
    }

    [Fact]
    public async Task The_tree_is_the_one_of_the_stored_bytes()
    {
        for (var i = 0; i < 7; i++)
        {
            await audit.ConsumeAsync([.. Enumerable.Range(0, 100).Select(_ => AuditFixture.Event(_workspace))]);
        }

        await audit.LogOfAsync(_workspace, 700);
        await AssertTreeAsync(_workspace);
        Assert.Equal(
            2L,
            await audit.ScalarAsync<long>("select count(*) from audit.tree_node where workspace_id = $1 and level = 8", _workspace)
        );
    }

    [Fact]
    public async Task The_stored_bytes_are_the_same_for_the_same_event_and_say_what_happened()
    {
        var noonInHelsinki = new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.FromHours(2));
        var happened = AuditFixture.Event(_workspace, occurredAt: noonInHelsinki, details: new { name = "a \"quoted\" ü \u0001" });
        await audit.ConsumeAsync(happened);
        await audit.LogOfAsync(_workspace, 1);
        var body = await BodyAsync();
        Assert.Equal(
            $$$"""
            {"v":1,"id":"{{{Ids.Format("evt", happened.EventId)}}}","workspaceId":"{{{Ids.Format("wks", _workspace)}}}",
            "environmentKind":"sandbox","occurredAt":"2026-11-20T10:00:00.0000000Z","action":"organization.created","outcome":"committed",
            "source":"directory","type":"OrganizationCreated",
            "actor":{"kind":"member","id":"mbr_1","role":"admin","tokenId":"tok_1","clientId":"claude"},
            "targets":[{"kind":"organization","ids":["org_1"],"count":1}],
            "context":{"callId":"{{{happened.Call.CallId}}}","tool":"create_organization","permissions":["directory:write"]},
            "details":{"name":"a \"quoted\" ü \u0001"}}
            """.ReplaceLineEndings(""),
            body
        );
    }

    [Fact]
    public async Task An_event_that_no_sink_could_take_keeps_a_digest_of_its_details()
    {
        await audit.ConsumeAsync(AuditFixture.Event(_workspace, details: new { text = new string('x', 600_000) }));
        await audit.LogOfAsync(_workspace, 1);
        var body = await BodyAsync();
        Assert.InRange(body.Length, 1, 2000);
        Assert.Contains("\"details\":{\"omitted\":\"too large\",\"bytes\":600011,\"sha256\":", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_that_PostgreSQL_or_an_index_cannot_hold_do_not_stop_the_log()
    {
        var longAction = new string('a', 199) + "😀" + new string('b', 5000);
        await audit.ConsumeAsync(
            AuditFixture.Event(_workspace, action: longAction, id: new string('c', 9000)),
            AuditFixture.Event(_workspace, id: "nul\0here")
        );
        Assert.Equal(2, (await audit.LogOfAsync(_workspace, 2)).Count);
    }

    [Theory]
    [InlineData("update audit.event set action = 'x'")]
    [InlineData("delete from audit.event")]
    [InlineData("truncate audit.event cascade")]
    [InlineData("update audit.event_target set id = 'x'")]
    [InlineData("delete from audit.event_target")]
    [InlineData("update audit.checkpoint set size = 1")]
    [InlineData("delete from audit.checkpoint")]
    [InlineData("update audit.tree_node set hash = ''")]
    [InlineData("delete from audit.tree")]
    [InlineData("update audit.arrival set body = ''")]
    [InlineData("update audit.signing_key set public_key = ''")]
    public async Task No_role_of_the_service_can_change_what_was_recorded(string sql)
    {
        await using var roles = audit.Admin.CreateCommand(Roles);
        await using var reader = await roles.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            var login = reader.GetString(0) == "audit_sequencer" ? audit.Sequencer : audit.App;
            await using var connection = await login.OpenConnectionAsync(TestContext.Current.CancellationToken);
            await using var enter = new NpgsqlCommand($"set role {reader.GetString(0)}", connection);
            await enter.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await using var change = new NpgsqlCommand(sql, connection);
            var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
                change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken)
            );
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
        }
    }

    [Theory]
    [InlineData("insert into audit.event (workspace_id, sequence, event_id) values (gen_random_uuid(), 1, gen_random_uuid())")]
    [InlineData("insert into audit.arrival (workspace_id, event_id) values (gen_random_uuid(), gen_random_uuid())")]
    [InlineData("delete from audit.arrival")]
    [InlineData("select private_key from audit.signing_key")]
    [InlineData("update audit.stream set delivered_through = 0")]
    public async Task The_application_role_by_itself_cannot_write_the_log_or_read_its_keys(string sql)
    {
        await using var command = audit.App.CreateCommand(sql);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
            command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken)
        );
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
    }

    [Theory]
    [InlineData("set role audit_sequencer")]
    [InlineData("delete from audit.arrival")]
    [InlineData("update audit.tree set size = 0")]
    [InlineData("insert into audit.tree (workspace_id, size, frontier) values (gen_random_uuid(), 0, '')")]
    [InlineData("insert into audit.tree_node (workspace_id, level, index, hash) values (gen_random_uuid(), 8, 0, '')")]
    [InlineData("insert into audit.event (workspace_id, sequence, event_id) values (gen_random_uuid(), 1, gen_random_uuid())")]
    [InlineData("insert into audit.checkpoint (workspace_id, size) values (gen_random_uuid(), 1)")]
    [InlineData("select private_key from audit.signing_key")]
    public async Task Whatever_role_the_application_enters_it_cannot_do_what_the_sequencer_does(string sql)
    {
        await using var command = audit.Admin.CreateCommand(
            "select array_agg(rolname) from pg_roles where pg_has_role('audit_app', oid, 'member')"
        );
        var roles = (string[])(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        Assert.Superset(new HashSet<string> { "audit_app", "audit_intake", "audit_streamer" }, roles.ToHashSet());
        foreach (var role in roles)
        {
            await using var connection = await audit.App.OpenConnectionAsync(TestContext.Current.CancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await using var batch = new NpgsqlBatch(connection, transaction)
            {
                BatchCommands = { new($"set local role {role}"), new(sql) },
            };
            var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
                batch.ExecuteNonQueryAsync(TestContext.Current.CancellationToken)
            );
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
        }
    }

    [Fact]
    public async Task A_database_from_before_the_sequencer_signed_in_by_itself_is_upgraded()
    {
        await ExecuteAsync("delete from migrations.applied where name like '%0011_sequencer%'");
        await ExecuteAsync("alter role audit_sequencer nologin; grant audit_sequencer to audit_app");
        await audit.MigrateAgainAsync();
        Assert.False(await audit.ScalarAsync<bool>("select pg_has_role('audit_app', 'audit_sequencer', 'member')"));
        await using var signIn = audit.Sequencer.CreateCommand("select current_user::text");
        Assert.Equal("audit_sequencer", await signIn.ExecuteScalarAsync(TestContext.Current.CancellationToken));

        async Task ExecuteAsync(string sql)
        {
            await using var command = audit.Admin.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task What_a_service_refused_is_recorded_as_refused()
    {
        var workspace = Ids.New();
        var happened = AuditFixture.Event(workspace, "governance.refused") with { Refusal = "PERMISSION_DENIED" };
        await audit.ConsumeAsync(happened);
        await audit.LogOfAsync(workspace, 1);
        Assert.Equal(
            "refused PERMISSION_DENIED",
            await audit.ScalarAsync<string>(
                """
                select outcome || ' ' || (convert_from(body, 'utf8')::jsonb ->> 'reason') from audit.event where workspace_id = $1
                """,
                workspace
            )
        );
    }

    [Fact]
    public Task Every_table_keeps_workspaces_apart() =>
        TenancyLaws.AssertAsync(
            audit.Admin,
            "audit",
            "audit.arrival: arrival_intake",
            "audit.arrival: arrival_sequencer",
            "audit.call_numbers: call_numbers_intake",
            "audit.checkpoint: checkpoint_append",
            "audit.checkpoint: checkpoint_streamer",
            "audit.event: event_intake",
            "audit.event: event_sequencer_append",
            "audit.event: event_sequencer_read",
            "audit.event: event_streamer",
            "audit.event_target: event_target_append",
            "audit.stream: stream_streamer_progress",
            "audit.stream: stream_streamer_read",
            "audit.tree: tree_sequencer",
            "audit.tree: tree_streamer",
            "audit.tree_node: tree_node_append"
        );

    private async Task<string> BodyAsync() =>
        Encoding.UTF8.GetString(await audit.ScalarAsync<byte[]>("select body from audit.event where workspace_id = $1", _workspace));

    private async Task AssertTreeAsync(Guid workspace)
    {
        await using var command = audit.Admin.CreateCommand("select body, leaf from audit.event where workspace_id = $1 order by sequence");
        command.Parameters.Add(new NpgsqlParameter { Value = workspace });
        var leaves = new List<byte[]>();
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                Assert.Equal(Rfc6962.Leaf((byte[])reader[0]), (byte[])reader[1]);
                leaves.Add((byte[])reader[1]);
            }
        }

        var size = await audit.ScalarAsync<long>("select size from audit.tree where workspace_id = $1", workspace);
        var frontier = await audit.ScalarAsync<byte[]>("select frontier from audit.tree where workspace_id = $1", workspace);
        Assert.Equal(leaves.Count, size);
        Assert.Equal(Rfc6962.Root(leaves.ToArray()), new Service.Sequencing.MerkleTree(size, frontier).Root());
    }
}
