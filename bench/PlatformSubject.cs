using System.Globalization;
using System.Text.Json.Nodes;

namespace Platform.Bench;

/// <summary>The same rows in a table of the suite, reached as an agent reaches it.</summary>
internal sealed class PlatformSubject
{
    private readonly McpCaller _mcp;
    private readonly string _table;
    private readonly List<string> _getBodies = [];
    private readonly string _search;
    private readonly string _create;

    private PlatformSubject(McpCaller mcp, string table)
    {
        _mcp = mcp;
        _table = table;
        _create = McpCaller.Prepare("create_records", Hundred(0));
        _search = McpCaller.Prepare("search_records", new JsonObject
        {
            ["tableId"] = table,
            ["filter"] = JsonNode.Parse("""
                {"operator":"AND","conditions":[
                  {"operator":"IS_BETWEEN","leftSide":"Gross","lowerBound":500000,"upperBound":510000},{"operator":"IS","leftSide":"Rating","rightSide":"PG"}]}
                """),
            ["sorting"] = new JsonArray(new JsonObject { ["sortingField"] = "Gross", ["sortType"] = "DESC" }),
            ["limit"] = 50,
        });
    }

    public static async Task<PlatformSubject> CreateAsync(McpCaller mcp, int rows)
    {
        var name = "Bench " + Guid.NewGuid().ToString("N")[..8];
        var database = (await mcp.CallAsync("create_database", new JsonObject { ["name"] = name }))["database"]!["id"]!.GetValue<string>();
        var table = await mcp.CallAsync("create_table", new JsonObject
        {
            ["databaseId"] = database,
            ["name"] = "Films",
            ["fields"] = JsonNode.Parse("""
                [{"name":"Title","type":"text"},{"name":"Gross","type":"number"},
                 {"name":"Rating","type":"select","choices":[{"label":"G"},{"label":"PG"},{"label":"PG-13"},{"label":"R"}]},{"name":"Released","type":"date"}]
                """),
        });
        var subject = new PlatformSubject(mcp, table["table"]!["id"]!.GetValue<string>());
        await Parallel.ForEachAsync(Enumerable.Range(0, rows / 100), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (hundred, _) =>
        {
            var created = await mcp.CallAsync("create_records", subject.Hundred(hundred * 100));
            var id = created["recordIds"]![0]!.GetValue<string>();
            var body = McpCaller.Prepare("get_record", new JsonObject { ["tableId"] = subject._table, ["recordId"] = id });
            lock (subject._getBodies)
            {
                subject._getBodies.Add(body);
            }
        });
        return subject;
    }

    public Task GetAsync() => _mcp.SendPreparedAsync("get_record", _getBodies[Random.Shared.Next(_getBodies.Count)]);

    public Task SearchAsync() => _mcp.SendPreparedAsync("search_records", _search);

    public Task CreateHundredAsync() => _mcp.SendPreparedAsync("create_records", _create);

    private JsonObject Hundred(int first) => new()
    {
        ["tableId"] = _table,
        ["records"] = new JsonArray([.. Enumerable.Range(first, 100).Select(Film.Number).Select(film => new JsonObject
        {
            ["fields"] = new JsonObject
            {
                ["Title"] = film.Title,
                ["Gross"] = film.Gross,
                ["Rating"] = film.Rating,
                ["Released"] = film.Released.ToString("O", CultureInfo.InvariantCulture),
            },
        })]),
    };
}
