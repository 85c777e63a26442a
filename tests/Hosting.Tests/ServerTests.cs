using System.Net.Sockets;
using System.Text;
using Npgsql;
using Platform.LocalServers;
using Platform.Servers;
using RabbitMQ.Client;

namespace Platform.Hosting.Tests;

public sealed class ServerTests : IDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task PostgreSQL_takes_its_password_only_and_writes_durably()
    {
        await using var server = await LocalServer.StartPostgresAsync(_folder["pg"], "it's a \"secret\"", durable: true, Token);

        Assert.Equal(
            "on,on,on,300",
            await ScalarAsync(
                server,
                """
                select concat_ws(',', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'),
                    current_setting('max_connections'))
                """
            )
        );
        var wrong = await Assert.ThrowsAsync<PostgresException>(async () =>
        {
            await using var source = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={server.Port};Username=postgres;Password=wrong");
            await using var connection = await source.OpenConnectionAsync(Token);
        });
        Assert.Equal(PostgresErrorCodes.InvalidPassword, wrong.SqlState);
    }

    [Fact]
    public async Task PostgreSQL_keeps_committed_rows_over_a_crash_and_takes_a_new_password()
    {
        await using (var first = await LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: true, Token))
        {
            await ScalarAsync(first, "create table kept (id int); insert into kept values (42); select 1");
            Assert.True(Signals.Send(Postmaster(), Signals.Kill));
            await first.Exited.WaitAsync(TimeSpan.FromSeconds(10), Token);
        }
        Assert.True(File.Exists(_folder["pg/data/postmaster.pid"]));

        await using var second = await LocalServer.StartPostgresAsync(_folder["pg"], "two", durable: true, Token);

        Assert.Equal(42, await ScalarAsync(second, "select id from kept"));
    }

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    public async Task PostgreSQL_takes_its_password_after_a_change_that_was_cut_off(string password)
    {
        await using (await LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: false, Token)) { }
        await using (var cutOff = await ChildProcess.StartAsync(ChangeThatEndsBeforeItIsWrittenDown("two"), Token))
        {
            Assert.NotEqual(0, await cutOff.Exited.WaitAsync(TimeSpan.FromMinutes(1), Token));
        }

        await using var server = await LocalServer.StartPostgresAsync(_folder["pg"], password, durable: false, Token);

        Assert.Equal(1, await ScalarAsync(server, "select 1"));
    }

    [Fact]
    public async Task PostgreSQL_starts_beside_a_stale_lock_of_a_living_stranger()
    {
        await using (await LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: false, Token)) { }
        // The process id in the lock now belongs to something else, which is alive.
        await File.WriteAllTextAsync(_folder["pg/data/postmaster.pid"], $"{Environment.ProcessId}\n{_folder["pg/data"]}\n", Token);

        await using var server = await LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: false, Token);

        Assert.Equal("off", await ScalarAsync(server, "select current_setting('fsync')"));
    }

    [Fact]
    public async Task A_server_waits_until_the_one_before_it_has_left_its_folder()
    {
        var first = await LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: false, Token);
        await ScalarAsync(first, "create table kept (id int); insert into kept values (42); select 1");

        // As after an AppHost that was killed: the next one starts while the servers of the first still run.
        var second = LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: false, Token);
        Assert.NotSame(second, await Task.WhenAny(second, Task.Delay(TimeSpan.FromSeconds(2), Token)));
        await first.DisposeAsync();

        await using var server = await second;
        Assert.Equal(42, await ScalarAsync(server, "select id from kept"));
    }

    [Theory]
    [InlineData("redis", "REDIS_PASSWORD")]
    [InlineData("rabbitmq", "DEFINITIONS")]
    public async Task Two_servers_never_share_a_folder(string name, string secret)
    {
        Directory.CreateDirectory(_folder[name]);
        await using var holder = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = "flock",
                FileName = "flock",
                Arguments = [_folder[$"{name}/lock"], "sleep", "600"],
            },
            Token
        );
        await using var server = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = name,
                FileName = Path.Combine(LocalServer.Checkout, "AppHost", "Servers", $"{name}.sh"),
                ExtraEnvironment = new Dictionary<string, string?>
                {
                    ["DATA"] = _folder[name],
                    ["PORT"] = "1",
                    ["PORT_DIST"] = "1",
                    ["PORT_EPMD"] = "1",
                    ["CLAIM_SECONDS"] = "1",
                    [secret] = "{}",
                },
            },
            Token
        );

        Assert.Equal(1, await server.Exited.WaitAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Contains($"Another server uses {_folder[name]}. Stop it, or choose another folder.", server.LastOutput);
    }

    [Fact]
    public async Task A_server_that_cannot_start_says_why()
    {
        await using var first = await LocalServer.StartRedisAsync(_folder["one"], "one", FreePorts.Next(), Token);

        var failure = await Assert.ThrowsAsync<ServerStartException>(() =>
            LocalServer.StartRedisAsync(_folder["two"], "two", first.Port, Token)
        );

        Assert.Contains("Address already in use", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redis_wants_its_password_and_leaves_no_snapshot()
    {
        int process;
        await using (var server = await LocalServer.StartRedisAsync(_folder["redis"], "pass word", FreePorts.Next(), Token))
        {
            process = server.ProcessId;
            Assert.StartsWith("-NOAUTH", await RedisAsync(server, "PING\r\n"), StringComparison.Ordinal);
            Assert.StartsWith("+OK", await RedisAsync(server, "AUTH \"pass word\"\r\n"), StringComparison.Ordinal);
        }

        await ChildProcessTests.GoneAsync(process);
        Assert.Empty(Directory.GetFiles(_folder["redis"], "*.rdb"));
    }

    [Fact]
    public async Task RabbitMQ_keeps_the_messages_of_a_quorum_queue_over_a_crash()
    {
        await using (var first = await LocalServer.StartRabbitAsync(_folder["mq"], "platform", "p@ss/word", Token))
        {
            await using (var connection = await ConnectAsync(first))
            {
                await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Token);
                await channel.QueueDeclareAsync(
                    "kept",
                    true,
                    false,
                    false,
                    new Dictionary<string, object?> { ["x-queue-type"] = "quorum" },
                    cancellationToken: Token
                );
                // The broker writes its register of queues half a second later. A crash before that orphans the queue (Ra of RabbitMQ
                // 3.10).
                while (!await IsRegisteredAsync("%2F_kept"))
                {
                    await Task.Yield();
                }

                await channel.BasicPublishAsync("", "kept", true, new BasicProperties { Persistent = true }, "hello"u8.ToArray(), Token);
            }
            Assert.True(Signals.Send(first.ProcessId, Signals.Kill));
            await first.Exited.WaitAsync(TimeSpan.FromSeconds(10), Token);
        }

        await using var second = await LocalServer.StartRabbitAsync(_folder["mq"], "platform", "another", Token);
        await using var again = await ConnectAsync(second);
        await using var reader = await again.CreateChannelAsync(cancellationToken: Token);
        var message = await reader.BasicGetAsync("kept", true, Token);

        Assert.Equal("hello", Encoding.UTF8.GetString(message!.Body.Span));
    }

    [Fact]
    public async Task RabbitMQ_listens_on_loopback_only_and_leaves_nothing_behind()
    {
        int[] tree;
        await using (var server = await LocalServer.StartRabbitAsync(_folder["mq"], "guest", "guest", Token))
        {
            tree = [.. Processes.OfSession(server.ProcessId)];
            Assert.Contains(tree, p => Processes.Name(p) == "epmd");
            foreach (var listener in tree.SelectMany(Processes.ListenAddresses))
            {
                Assert.Contains(listener, (string[])["0100007F", "00000000000000000000000001000000"]);
            }
        }

        await ChildProcessTests.GoneAsync(tree);
    }

    [Fact]
    public async Task A_stop_of_PostgreSQL_does_not_wait_for_its_clients()
    {
        await using var server = await LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: false, Token);
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var client = await source.OpenConnectionAsync(Token);

        Assert.True(Signals.Send(server.ProcessId, Signals.Terminate));

        Assert.Equal(0, await server.Exited.WaitAsync(TimeSpan.FromSeconds(10), Token));
    }

    [Fact]
    public async Task The_files_of_a_server_are_its_owners_alone()
    {
        await using var redis = await LocalServer.StartRedisAsync(_folder["redis"], "one", FreePorts.Next(), Token);
        await using var rabbit = await LocalServer.StartRabbitAsync(_folder["mq"], "guest", "guest", Token);
        await using var postgres = await LocalServer.StartPostgresAsync(_folder["pg"], "one", durable: false, Token);

        const UnixFileMode Others =
            UnixFileMode.GroupRead
            | UnixFileMode.GroupWrite
            | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead
            | UnixFileMode.OtherWrite
            | UnixFileMode.OtherExecute;
        foreach (var folder in (string[])["redis", "mq", "pg"])
        {
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(_folder[folder]) & Others);
        }
    }

    // The server has the new password; the sh that would write it down fails.
    private ChildProcessOptions ChangeThatEndsBeforeItIsWrittenDown(string password)
    {
        var programs = Directory.CreateDirectory(_folder["bin"]).FullName;
        File.WriteAllText(Path.Combine(programs, "sh"), "#!/bin/false\n");
        File.SetUnixFileMode(Path.Combine(programs, "sh"), File.GetUnixFileMode("/bin/sh"));
        return new ChildProcessOptions
        {
            Name = "postgres",
            FileName = Path.Combine(LocalServer.Checkout, "AppHost", "Servers", "postgres.sh"),
            ExtraEnvironment = new Dictionary<string, string?>
            {
                ["DATA"] = _folder["pg"],
                ["PORT"] = FreePorts.Next().ToString(System.Globalization.CultureInfo.InvariantCulture),
                ["POSTGRES_PASSWORD"] = password,
                ["DURABLE"] = "false",
                ["PATH"] = $"{programs}:{Environment.GetEnvironmentVariable("PATH")}",
            },
        };
    }

    private int Postmaster() =>
        int.Parse(File.ReadLines(_folder["pg/data/postmaster.pid"]).First(), System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<object?> ScalarAsync(LocalServer server, string sql)
    {
        var builder = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Pooling = false };
        await using var source = NpgsqlDataSource.Create(builder);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Token);
    }

    private static async Task<string> RedisAsync(LocalServer server, string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Port, Token);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command), Token);
        var buffer = new byte[200];
        return Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer, Token));
    }

    private async Task<bool> IsRegisteredAsync(string queue)
    {
        var register = Directory
            .GetFiles(_folder["mq/mnesia"], "names.dets", SearchOption.AllDirectories)
            .First(f => f.Contains("/quorum/", StringComparison.Ordinal));
        using var file = new FileStream(register, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new MemoryStream();
        await file.CopyToAsync(content, Token);
        return content.ToArray().AsSpan().IndexOf(Encoding.ASCII.GetBytes(queue)) >= 0;
    }

    private static Task<IConnection> ConnectAsync(LocalServer server) =>
        new ConnectionFactory { Uri = new Uri(server.ConnectionString) }.CreateConnectionAsync(Token);
}
