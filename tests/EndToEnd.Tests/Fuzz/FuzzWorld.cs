using System.Text;
using System.Text.Json;
using CsCheck;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>Something to ask about, and callers who may.</summary>
internal sealed class FuzzWorld
{
    private static readonly TimeSpan _renew = TimeSpan.FromSeconds(15);

    private readonly RunningSuite _suite;
    private readonly Uri _issuer;
    private string _governance = "";
    private string _access = "";

    private FuzzWorld(RunningSuite suite, Uri issuer) => (_suite, _issuer) = (suite, issuer);

    public Pool Pool { get; } = new();

    /// <summary>For the public origin.</summary>
    public Gen<Attempt> Public { get; private set; } = null!;

    /// <summary>For identity itself.</summary>
    public Gen<Attempt> Governance { get; private set; } = null!;

    public static async Task<FuzzWorld> PrepareAsync(RunningSuite suite, Uri issuer, CancellationToken cancellationToken)
    {
        var world = new FuzzWorld(suite, issuer);
        var owner = suite.Endpoints.Owner;
        using var calls = new RawCalls(suite.Endpoints.Mcp, owner.Token);
        using var http = new HttpClient();
        var me = await calls.CallUntilAnsweredAsync("whoami", new { }, cancellationToken);
        world.Pool.LeaveAlone(me.GetProperty("structuredContent").GetProperty("member").GetProperty("id").GetString()!);
        await world.SignInAsync(cancellationToken);
        await world.LeaveTokensAloneAsync(http, cancellationToken);
        await world.FillAsync(calls);

        var tools = await ListAsync(http, suite.Endpoints.Mcp, owner.Token, "tools/list", "tools", cancellationToken);
        var prompts = await ListAsync(http, suite.Endpoints.Mcp, owner.Token, "prompts/list", "prompts", cancellationToken);
        var resources = await ListAsync(http, suite.Endpoints.Mcp, owner.Token, "resources/list", "resources", cancellationToken);
        var templates = await ListAsync(
            http,
            suite.Endpoints.Mcp,
            owner.Token,
            "resources/templates/list",
            "resourceTemplates",
            cancellationToken
        );
        var schemas = new SchemaGen(world.Pool);
        var people = new Credentials(
            () => owner.Token,
            () => owner.Token,
            () => world._access,
            () => suite.Endpoints.Member("viewer").Token
        );
        var mcp = new McpGen(tools, schemas, people);
        var doors = new DoorGen(world.Pool, schemas);
        world.Public = Gen.Frequency(
            (
                14,
                mcp.All(
                    [.. prompts.Select(prompt => prompt.GetProperty("name").GetString()!)],
                    [
                        .. resources.Select(resource => resource.GetProperty("uri").GetString()!),
                        .. templates.Select(template => template.GetProperty("uriTemplate").GetString()!),
                    ]
                )
            ),
            (3, doors.Doors()),
            (1, doors.Registrations())
        );
        world.Governance = doors.Governance(
            suite.Endpoints.Governance.AbsolutePath,
            new Credentials(() => world._governance, () => world._governance, () => world._access, () => owner.Token)
        );
        return world;
    }

    /// <summary>Attempts disconnect the app and end sessions, and tokens of people end before a long run does.</summary>
    public async Task KeepSignedInAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        for (var left = time - _renew; left > TimeSpan.Zero; left -= _renew)
        {
            await Task.Delay(_renew, cancellationToken);
            await SignInAsync(cancellationToken);
        }
    }

    private async Task SignInAsync(CancellationToken cancellationToken)
    {
        var owner = _suite.Endpoints.Owner;
        _governance = await AuthorizationCode.SignInAsync(_issuer, "platform-governance", "openid", owner, cancellationToken);
        _access = await AuthorizationCode.SignInAsync(
            _issuer,
            "mcp-public",
            "databases.records:read databases.records:write databases.schema:write directory:read audit:read workspace:read",
            owner,
            cancellationToken
        );
    }

    // The tokens that attempts come with.
    private async Task LeaveTokensAloneAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var me = await AskAsync("me");
        Pool.Learn(Encoding.UTF8.GetBytes(me));
        using var document = JsonDocument.Parse(me);
        var workspace = document.RootElement.GetProperty("workspaces")[0].GetProperty("id").GetString();
        using var list = JsonDocument.Parse(await AskAsync($"workspaces/{workspace}/personal-tokens?member=all"));
        Pool.LeaveAlone(
            list.RootElement.GetProperty("personalTokens").EnumerateArray().Select(token => token.GetProperty("id").GetString()!)
        );

        async Task<string> AskAsync(string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{_suite.Endpoints.Governance}/{path}"));
            request.Headers.Authorization = new("Bearer", _governance);
            using var response = await http.SendAsync(request, cancellationToken);
            return await response.Content.ReadAsStringAsync(cancellationToken);
        }
    }

    private async Task FillAsync(RawCalls calls)
    {
        var database = await LearnAsync("create_database", new { name = "Fuzzed" });
        var databaseId = database.GetProperty("structuredContent").GetProperty("database").GetProperty("id").GetString();
        string[] labels = ["A", "B"];
        var choices = labels.Select(label => new { label });
        object[] fields =
        [
            new { name = "Name", type = "text" },
            new { name = "Long", type = "long_text" },
            new { name = "Number", type = "number" },
            new { name = "Done", type = "checkbox" },
            new
            {
                name = "One",
                type = "select",
                choices,
            },
            new
            {
                name = "Many",
                type = "multi_select",
                choices,
            },
            new { name = "Day", type = "date" },
            new { name = "At", type = "date_time" },
            new { name = "Mail", type = "email" },
            new { name = "Site", type = "url" },
        ];
        var table = await LearnAsync(
            "create_table",
            new
            {
                databaseId,
                name = "Things",
                fields,
            }
        );
        var tableId = table.GetProperty("structuredContent").GetProperty("table").GetProperty("id").GetString();
        await LearnAsync(
            "create_records",
            new
            {
                tableId,
                records = Enumerable
                    .Range(0, 20)
                    .Select(n => new { fields = new Dictionary<string, object> { ["Name"] = $"n{n}", ["Number"] = n } }),
            }
        );
        foreach (var tool in (string[])["list_environments", "list_members", "list_databases", "list_tables"])
        {
            await LearnAsync(tool, tool == "list_tables" ? new { databaseId } : new { });
        }

        async Task<JsonElement> LearnAsync(string tool, object arguments)
        {
            var result = await calls.CallAsync(tool, arguments);
            Assert.False(result.TryGetProperty("isError", out var failed) && failed.GetBoolean(), result.GetRawText());
            Pool.Learn(Encoding.UTF8.GetBytes(result.GetRawText()));
            return result;
        }
    }

    private static async Task<IReadOnlyList<JsonElement>> ListAsync(
        HttpClient http,
        Uri mcp,
        string token,
        string method,
        string member,
        CancellationToken cancellationToken
    )
    {
        var all = new List<JsonElement>();
        string? cursor = null;
        do
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{mcp}?toolsets=all"));
            request.Headers.Authorization = new("Bearer", token);
            request.Content = System.Net.Http.Json.JsonContent.Create(
                new
                {
                    jsonrpc = "2.0",
                    id = 1,
                    method,
                    @params = cursor is null ? (object)new { } : new { cursor },
                }
            );
            using var response = await http.SendAsync(request, cancellationToken);
            using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            var result = document.RootElement.GetProperty("result").Clone();
            all.AddRange(result.GetProperty(member).EnumerateArray());
            cursor = result.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        } while (cursor is not null);
        return all;
    }
}
