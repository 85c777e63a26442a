using System.Text.Json.Nodes;
using Npgsql;

namespace Platform.Bench.Campaign;

/// <summary>How often everything is there, by its marker: records as a client asks for them, the rest in the databases.</summary>
internal sealed class Counts(Databases databases, McpCaller mcp)
{
    public const string Record = "record";
    public const string Table = "table";
    public const string Field = "field";
    public const string View = "view";
    public const string Organization = "organization";
    public const string User = "user";
    public const string Invitation = "invitation";
    public const string Token = "personal token";
    public const string RevokedToken = "revoked token";

    private static readonly Dictionary<string, (string Database, string Sql)> _queries = new()
    {
        [Table] = (Databases.Data, "select name from data.database_table where deleted_at is null"),
        [Field] = (Databases.Data, "select name from data.field where deleted_at is null"),
        [View] = (Databases.Data, "select name from data.view"),
        [Organization] = (Databases.Directory, "select name from directory.organization"),
        [User] = (Databases.Directory, "select email from directory.directory_user"),
        [Invitation] = (Databases.Directory, "select email from directory.invitation"),
        [Token] = (Databases.Identity, "select name from identity.personal_token"),
        [RevokedToken] = (Databases.Identity, "select name from identity.personal_token where revoked_at is not null"),
    };

    /// <returns>How often each marker is there, by what it marks.</returns>
    public async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, int>>> ReadAsync(string tableId)
    {
        var found = new Dictionary<string, IReadOnlyDictionary<string, int>> { [Record] = Count(await ReadRecordsAsync(tableId)) };
        foreach (var (what, (database, sql)) in _queries)
        {
            found[what] = Count(await databases.QueryAsync(database, sql, row => row.GetString(0)));
        }

        return found;
    }

    private static Dictionary<string, int> Count(IEnumerable<string> markers) =>
        markers.GroupBy(marker => marker).ToDictionary(same => same.Key, same => same.Count());

    private async Task<List<string>> ReadRecordsAsync(string tableId)
    {
        var names = new List<string>();
        for (string? cursor = null; ; )
        {
            var arguments = new JsonObject { ["tableId"] = tableId, ["limit"] = 100 };
            if (cursor is not null)
            {
                arguments["cursor"] = cursor;
            }

            var page = await mcp.CallAsync("list_records", arguments);
            names.AddRange(page["records"]!.AsArray().Select(record => record!["fields"]!["Name"]!.GetValue<string>()));
            cursor = page["page"]!["nextCursor"]?.GetValue<string>();
            if (cursor is null)
            {
                return names;
            }
        }
    }
}

/// <summary>The databases of the services, as the administrator.</summary>
internal sealed class Databases(string server) : IAsyncDisposable
{
    public const string Directory = "directorydb";
    public const string Data = "datadb";
    public const string Audit = "auditdb";
    public const string Identity = "identitydb";

    public static readonly IReadOnlyList<string> All = [Directory, Data, Audit, Identity];

    private readonly Dictionary<string, NpgsqlDataSource> _sources = All.ToDictionary(
        name => name,
        name => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server) { Database = name, Pooling = false }.ConnectionString)
    );

    public async Task<List<T>> QueryAsync<T>(string database, string sql, Func<NpgsqlDataReader, T> read)
    {
        await using var command = _sources[database].CreateCommand(sql);
        command.CommandTimeout = 300;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    public async Task<long> CountAsync(string database, string sql) => (await QueryAsync(database, sql, row => row.GetInt64(0)))[0];

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources.Values)
        {
            await source.DisposeAsync();
        }
    }
}
