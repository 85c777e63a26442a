using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Platform.Edge.Tests.Conformance;
using Platform.Edge.Tests.Fixture;

namespace Platform.Edge.Tests.Connect;

/// <summary>
/// docs/connect.md: what it is generated from, what an instance makes of it, and whether clients can read what it tells them to write.
/// </summary>
public sealed partial class ConnectPageTests
{
    private const string Example = "https://mcp.example.com/mcp";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Document => File.ReadAllText(Path.Combine(NpmTools.Root, "docs", "connect.md"));

    [Fact]
    public async Task An_instance_gives_the_document_with_its_own_addresses_to_anybody()
    {
        await using var edge = await EdgeFixture.StartAsync();
        using var page = await edge.Http.GetAsync(new Uri(edge.Url, "/connect"), Cancellation);
        Assert.Equal((HttpStatusCode.OK, "text/plain; charset=utf-8"), (page.StatusCode, page.Content.Headers.ContentType!.ToString()));
        var text = await page.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains(
            $"The MCP URL is `{EdgeFixture.PublicUrl}`. Sign-in is at `{edge.BackEnd.Issuer.Name}`.",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains($"claude mcp add --transport http platform {EdgeFixture.PublicUrl}\n", text, StringComparison.Ordinal);
        Assert.Contains($"url = \"{EdgeFixture.PublicUrl}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("mcp.example.com", text, StringComparison.Ordinal);
        Assert.Equal(Document.Count(c => c == '\n'), text.Count(c => c == '\n'));
    }

    [Fact]
    public async Task Without_an_issuer_it_says_that_there_is_no_sign_in()
    {
        await using var edge = await EdgeFixture.StartAsync(settings: ("Edge:Issuer", ""));
        var text = await edge.Http.GetStringAsync(new Uri(edge.Url, "/connect"), Cancellation);
        Assert.Contains("It takes personal tokens only", text, StringComparison.Ordinal);
        Assert.DoesNotContain("mcp.example.com", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_of_clients_is_that_of_the_realm()
    {
        using var realm = JsonDocument.Parse(File.ReadAllText(Path.Combine(NpmTools.Root, "identity", "realm", "platform-realm.json")));
        var rows = new StringBuilder();
        foreach (
            var client in realm
                .RootElement.GetProperty("clients")
                .EnumerateArray()
                .Where(client => client.GetProperty("consentRequired").GetBoolean() && !client.TryGetProperty("defaultClientScopes", out _))
        )
        {
            var addresses = client.GetProperty("redirectUris").EnumerateArray().Select(uri => $"`{uri.GetString()}`").ToArray();
            rows.Append($"| `{client.GetProperty("clientId").GetString()}` | {client.GetProperty("name").GetString()} | ")
                .Append(addresses.Length > 0 ? string.Join(", ", addresses) : "none until the operator names one")
                .Append(" |\n");
        }
        const string Head = "| Client id | For | Redirect URIs |\n|---|---|---|\n";
        var start = Document.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        var end = Document.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            File.WriteAllText(Path.Combine(NpmTools.Root, "docs", "connect.md"), Document[..start] + rows + Document[end..]);
        }
        else
        {
            Assert.Equal(rows.ToString(), Document[start..end]);
        }
    }

    [Fact]
    public void It_has_no_link_that_leads_nowhere_on_an_instance() =>
        Assert.All(Link().Matches(Document), link =>
            Assert.True(link.Groups["to"].Value is ['#', ..] or ['h', 't', 't', 'p', ..], link.Value)
        );

    // https://code.claude.com/docs/en/mcp: "mcpServers", and for a remote server "type", "url", "headers".
    [Fact]
    public void Claude_Code_can_read_its_file() =>
        Remote(Assert.Single(Json("Claude Code")).GetProperty("mcpServers"), "type", "url", "headers");

    // mcpServerSchema in src/vs/workbench/contrib/mcp/common/mcpConfiguration.ts of microsoft/vscode, and the inputs of
    // src/vs/workbench/services/configurationResolver/common/configurationResolverSchema.ts. They allow no other members.
    [Fact]
    public void VS_Code_can_read_its_file()
    {
        var files = Json("VS Code");
        Assert.Equal(2, files.Length);
        Remote(files[0].GetProperty("servers"), "type", "url", "oauth");
        Assert.All(files, file => Assert.Empty(Names(file).Except(["servers", "inputs"])));
        var oauth = files[0].GetProperty("servers").GetProperty("platform").GetProperty("oauth");
        Assert.Equal(["clientId"], Names(oauth));
        Assert.Equal("mcp-public", oauth.GetProperty("clientId").GetString());
        Remote(files[1].GetProperty("servers"), "type", "url", "headers");
        var input = Assert.Single(files[1].GetProperty("inputs").EnumerateArray());
        Assert.Equal(["description", "id", "password", "type"], Names(input));
        Assert.Equal(("promptString", true), (input.GetProperty("type").GetString(), input.GetProperty("password").GetBoolean()));
        Assert.NotEmpty(input.GetProperty("description").GetString()!);
        Assert.Contains($"${{input:{input.GetProperty("id").GetString()}}}", files[1].GetRawText(), StringComparison.Ordinal);
    }

    // https://developers.openai.com/codex/mcp: [mcp_servers.<name>] with "url", "bearer_token_env_var";
    // [mcp_servers.<name>.oauth] with "client_id".
    [Fact]
    public async Task Codex_can_read_its_file()
    {
        await NpmTools.InstallAsync(Cancellation);
        var files = Blocks("Codex", "toml");
        Assert.Equal(2, files.Length);
        var oauth = await TomlAsync(files[0]);
        Assert.Equal(["oauth", "url"], Names(oauth));
        Assert.Equal("mcp-public", oauth.GetProperty("oauth").GetProperty("client_id").GetString());
        Assert.Equal(Example, oauth.GetProperty("url").GetString());
        var token = await TomlAsync(files[1]);
        Assert.Equal(["bearer_token_env_var", "url"], Names(token));
        Assert.Matches("^[A-Z_]+$", token.GetProperty("bearer_token_env_var").GetString());
    }

    [Fact]
    public void Every_file_in_it_is_json_that_names_the_url()
    {
        var blocks = Block().Matches(Document).Where(block => block.Groups["kind"].Value == "json").ToList();
        Assert.InRange(blocks.Count, 9, 30);
        Assert.All(blocks, block =>
        {
            using var file = JsonDocument.Parse(block.Groups["text"].Value);
            Assert.Contains($" \"{Example}\"", block.Value, StringComparison.Ordinal);
        });
    }

    private static void Remote(JsonElement servers, params string[] properties)
    {
        var server = Assert.Single(servers.EnumerateObject());
        Assert.Matches("^[a-z]+$", server.Name);
        Assert.Equal(properties.Order(StringComparer.Ordinal), Names(server.Value));
        Assert.Equal(("http", Example), (server.Value.GetProperty("type").GetString(), server.Value.GetProperty("url").GetString()));
        if (server.Value.TryGetProperty("headers", out var headers))
        {
            Assert.StartsWith("Bearer ${", headers.GetProperty("Authorization").GetString(), StringComparison.Ordinal);
        }
    }

    private static IEnumerable<string> Names(JsonElement json) =>
        json.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal);

    private static JsonElement[] Json(string client) => [.. Blocks(client, "json").Select(text => JsonDocument.Parse(text).RootElement)];

    private static string[] Blocks(string client, string kind)
    {
        var start = Document.IndexOf($"\n## {client}\n", StringComparison.Ordinal);
        Assert.True(start > 0, $"There is no section {client}.");
        var end = Document.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        return
        [
            .. Block()
                .Matches(Document[start..end])
                .Where(block => block.Groups["kind"].Value == kind)
                .Select(block => block.Groups["text"].Value),
        ];
    }

    private static async Task<JsonElement> TomlAsync(string text)
    {
        const string Program = "import { parse } from 'smol-toml'; console.log(JSON.stringify(parse(process.argv[1])));";
        var (exitCode, output) = await NpmTools.NodeAsync(["--input-type=module", "--eval", Program, "--", text], Cancellation);
        Assert.True(exitCode == 0, output);
        return JsonDocument.Parse(output).RootElement.GetProperty("mcp_servers").GetProperty("platform");
    }

    [GeneratedRegex(@"^```(?<kind>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\]\((?<to>[^)]+)\)")]
    private static partial Regex Link();
}
