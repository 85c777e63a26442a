using System.Collections.Concurrent;
using Npgsql;
using Platform.LocalServers;
using Xunit;

namespace Platform.Testing;

/// <summary>
/// One PostgreSQL server for the process of a test project (<c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c>), and any number of
/// databases in it, each a copy of a template that was migrated once.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, Lazy<Task>> _templates = new(StringComparer.Ordinal);
    private readonly string _directory = Path.Combine(AppContext.BaseDirectory, "postgres-" + Guid.NewGuid().ToString("N")[..8]);
    private LocalServer? _server;
    private int _copies;

    private LocalServer Server =>
        _server ?? throw new InvalidOperationException("The fixture has not been initialized: is it an assembly fixture?");

    public async ValueTask InitializeAsync() =>
        _server = await LocalServer.StartPostgresAsync(
            _directory,
            LocalServer.NewPassword(),
            durable: false,
            TestContext.Current.CancellationToken
        );

    /// <summary>The administrator's connection string for a database of this server.</summary>
    public string AdminConnectionString(string database) => $"{Server.ConnectionString};Database={database}";

    /// <summary>A new database: a copy of the template of this name, which <paramref name="prepare"/> fills the first time.</summary>
    public async Task<string> CreateAsync(string template, Func<string, Task> prepare)
    {
        await _templates.GetOrAdd(template, name => new Lazy<Task>(() => PrepareAsync(name, prepare))).Value;
        var copy = $"{template}_{Interlocked.Increment(ref _copies)}";
        await ExecuteAsync($"create database {copy} template {template}");
        return copy;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    private async Task PrepareAsync(string template, Func<string, Task> prepare)
    {
        await ExecuteAsync($"create database {template}");
        await prepare(template);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection($"{Server.ConnectionString};Database=postgres;Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
