using System.Globalization;
using System.Text.Json.Nodes;

namespace Platform.Bench;

/// <summary>The rows in a table of the suite, reached as an agent reaches it.</summary>
internal sealed class PlatformSubject(McpCaller mcp) : ISubject
{
    private static readonly JsonArray _everything = ["*"];

    private readonly List<string> _ids = [];
    private readonly Dictionary<Query, string> _searches = [];
    private string _table = "";
    private string _create = "";

    public string Name => "platform";

    public async Task FillAsync(int rows)
    {
        var database = await mcp.CallAsync("create_database", new JsonObject { ["name"] = "Bench " + Guid.NewGuid().ToString("N")[..8] });
        var table = await mcp.CallAsync(
            "create_table",
            new JsonObject
            {
                ["databaseId"] = database["database"]!["id"]!.GetValue<string>(),
                ["name"] = "Orders",
                ["fields"] = new JsonArray(
                    Field("Customer", "text"),
                    Field("Amount", "number"),
                    Field("Due", "date"),
                    Status(),
                    Field("Active", "checkbox"),
                    Field("Email", "email"),
                    Field("Notes", "long_text"),
                    Field("Site", "url")
                ),
            }
        );
        _table = table["table"]!["id"]!.GetValue<string>();
        _create = McpCaller.Prepare("create_records", Hundred(0));
        foreach (var query in Query.All)
        {
            _searches[query] = McpCaller.Prepare("search_records", Search(query));
        }

        await Parallel.ForEachAsync(
            Enumerable.Range(0, rows / 100),
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (hundred, _) =>
            {
                var created = await mcp.CallAsync("create_records", Hundred(hundred * 100));
                lock (_ids)
                {
                    _ids.AddRange(created["recordIds"]!.AsArray().Select(id => id!.GetValue<string>()));
                }
            }
        );
    }

    public async Task EarnIndexAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while ((await mcp.CallAsync("get_table", new() { ["tableId"] = _table }))["indexes"] is not JsonArray { Count: > 0 })
        {
            await SearchAsync();
            await Task.Delay(100, patience.Token);
        }
    }

    public Task GetAsync() =>
        mcp.SendPreparedAsync("get_record", McpCaller.Prepare("get_record", new() { ["tableId"] = _table, ["recordId"] = AnyId() }));

    public Task SearchAsync() => mcp.SendPreparedAsync("search_records", _searches[Query.Any()]);

    public Task UpdateAsync() =>
        mcp.SendPreparedAsync(
            "update_record",
            McpCaller.Prepare(
                "update_record",
                new()
                {
                    ["tableId"] = _table,
                    ["recordId"] = AnyId(),
                    ["fields"] = new JsonObject { ["Amount"] = Random.Shared.Next(10_000), ["Status"] = Query.Any().Status },
                    ["returnFields"] = _everything.DeepClone(),
                }
            )
        );

    public Task CreateHundredAsync() => mcp.SendPreparedAsync("create_records", _create);

    public async Task<IReadOnlyList<DateOnly>> DuesAsync(Query query) =>
        [
            .. (await mcp.CallAsync("search_records", Search(query)))["records"]!
                .AsArray()
                .Select(record => DateOnly.Parse(record!["fields"]!["Due"]!.GetValue<string>(), CultureInfo.InvariantCulture)),
        ];

    private static JsonObject Field(string name, string type) => new() { ["name"] = name, ["type"] = type };

    private static JsonObject Status()
    {
        var field = Field("Status", "select");
        field["choices"] = new JsonArray([.. Order.Statuses.Select(status => new JsonObject { ["label"] = status })]);
        return field;
    }

    private string AnyId() => _ids[Random.Shared.Next(_ids.Count)];

    private JsonObject Search(Query query) =>
        new()
        {
            ["tableId"] = _table,
            ["filter"] = new JsonObject
            {
                ["operator"] = "AND",
                ["conditions"] = new JsonArray(
                    new JsonObject
                    {
                        ["operator"] = "IS",
                        ["leftSide"] = "Status",
                        ["rightSide"] = query.Status,
                    },
                    new JsonObject
                    {
                        ["operator"] = "IS_BETWEEN",
                        ["leftSide"] = "Amount",
                        ["lowerBound"] = query.From,
                        ["upperBound"] = query.To,
                    }
                ),
            },
            ["sorting"] = new JsonArray(new JsonObject { ["sortingField"] = "Due", ["sortType"] = "DESC" }),
            ["limit"] = Query.Limit,
        };

    private JsonObject Hundred(int first) =>
        new()
        {
            ["tableId"] = _table,
            ["records"] = new JsonArray([
                .. Enumerable
                    .Range(first, 100)
                    .Select(Order.Number)
                    .Select(order => new JsonObject
                    {
                        ["fields"] = new JsonObject
                        {
                            ["Customer"] = order.Name,
                            ["Amount"] = order.Amount,
                            ["Due"] = order.Due.ToString("O", CultureInfo.InvariantCulture),
                            ["Status"] = order.Status,
                            ["Active"] = order.Active,
                            ["Email"] = order.Email,
                            ["Notes"] = order.Notes,
                            ["Site"] = order.Site,
                        },
                    }),
            ]),
            ["returnFields"] = _everything.DeepClone(),
        };
}
