using Google.Protobuf;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;
using Record = Platform.Data.Contracts.V1.Record;
using TaskChanges = Platform.Changes.Contracts.V1.Changes;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Platform.Data.Tests;

/// <summary>The data service in process. Tests make workspaces of their own, so they share a database without meeting.</summary>
public class DataFixture(PostgresFixture postgres) : ServiceFixture<Program>(postgres, "data")
{
    public Databases.DatabasesClient Databases => new(Channel);

    public Tables.TablesClient Tables => new(Channel);

    public TaskChanges.ChangesClient Changes => new(Channel);

    public Records.RecordsClient Records => new(Channel);

    public Csv.CsvClient Csv => new(Channel);

    public Views.ViewsClient Views => new(Channel);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();

        // What is granted on a database does not come along when it is copied.
        await ExecuteAsync("do $$ begin execute format('grant create, connect on database %I to data_owner', current_database()); end $$");
    }

    /// <summary>A new workspace's owner, in its sandbox.</summary>
    public static TestCaller Owner() => new();

    public async Task<Database> CreateDatabaseAsync(TestCaller caller, string name = "Shop") =>
        (await Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = name }, As(caller))).Database;

    public async Task<Table> CreateTableAsync(TestCaller caller, params Field[] fields)
    {
        var database = await CreateDatabaseAsync(caller, "Database " + Guid.NewGuid());
        return (
            await Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = database.Id,
                    Name = "Items",
                    Fields = { fields },
                },
                As(caller)
            )
        ).Table;
    }

    /// <summary>A table with a field of every type, named after it.</summary>
    public Task<Table> CreateTableOfAllTypesAsync(TestCaller caller) =>
        CreateTableAsync(
            caller,
            Of("Text", FieldType.Text),
            Of("Long", FieldType.LongText),
            Of("Number", FieldType.Number),
            Of("Checkbox", FieldType.Checkbox),
            Of("Select", FieldType.Select, "Red", "Green", "Blue"),
            Of("Multi", FieldType.MultiSelect, "Red", "Green", "Blue"),
            Of("Date", FieldType.Date),
            Of("Moment", FieldType.DateTime),
            Of("Email", FieldType.Email),
            Of("Url", FieldType.Url)
        );

    public static Field Of(string name, FieldType type, params string[] choices) =>
        new()
        {
            Name = name,
            Type = type,
            Choices = { choices.Select(choice => new Choice { Label = choice }) },
        };

    public async Task<List<string>> CreateRecordsAsync(TestCaller caller, Table table, params string[] records) =>
        [.. (await Records.CreateRecordsAsync(New(table, records), As(caller))).RecordIds];

    public static CreateRecordsRequest New(Table table, params string[] records) =>
        new() { TableId = table.Id, Records = { records.Select(record => new NewRecord { Fields = Json(record) }) } };

    public async Task<string> CreateRecordAsync(TestCaller caller, Table table, string fields) =>
        (await CreateRecordsAsync(caller, table, fields))[0];

    public async Task<Record> GetRecordAsync(TestCaller caller, Table table, string id) =>
        (await Records.GetRecordAsync(new GetRecordRequest { TableId = table.Id, RecordId = id }, As(caller))).Record;

    public async Task<SearchRecordsResponse> SearchAsync(TestCaller caller, Table table, string? filter = null, params Sorting[] sorting)
    {
        var request = new SearchRecordsRequest
        {
            TableId = table.Id,
            Sorting = { sorting },
            Limit = 200,
        };
        if (filter is not null)
        {
            request.Filter = Json(filter);
        }

        return await Records.SearchRecordsAsync(request, As(caller));
    }

    /// <summary>Runs SQL as the administrator.</summary>
    public async Task<int> ExecuteAsync(string sql, params object[] arguments)
    {
        await using var command = Command(sql, arguments);
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first value as the administrator, past row-level security.</summary>
    public async Task<T> ScalarAsync<T>(string sql, params object[] arguments)
    {
        await using var command = Command(sql, arguments);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public static Json Json(string text) => new() { Utf8 = ByteString.CopyFromUtf8(text) };

    /// <summary>The name of the user table in the database.</summary>
    public static string NameOf(TestCaller caller, Table table) => $"ws_{caller.Workspace:n}.t_{table.Id["tbl_".Length..]}";

    private NpgsqlCommand Command(string sql, object[] arguments)
    {
        var command = Admin.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return command;
    }
}
