using System.Text.Json;

namespace Platform.EndToEnd.Tests;

/// <summary>The official TypeScript clients, of both lines, against the running suite.</summary>
[Collection(TheSuite.Name)]
public sealed class TypeScriptTests(RunningSuite suite) : IAsyncLifetime
{
    public async ValueTask InitializeAsync()
    {
        suite.RequireIssuer();
        await TypeScriptClient.InstallAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(2, false)]
    public async Task It_signs_in_lists_and_calls_tools_and_refreshes(int line, bool registersItself)
    {
        using var client = await StartAsync(line, registersItself);
        var signedIn = await client.SignInAsync("connect", suite.Endpoints.Owner);
        Assert.Equal(registersItself, signedIn.GetProperty("clientId").GetString() != "mcp-public");
        Assert.Contains("create_records", signedIn.GetProperty("tools").EnumerateArray().Select(tool => tool.GetString()));

        var answer = await client.AskAsync("call", new { name = "whoami", arguments = new { } });
        Assert.Equal("owner", FindRole(answer.GetProperty("structuredContent")));

        var before = await client.AskAsync("tokens", new { });
        await client.AskAsync("expire", new { });
        await client.AskAsync("call", new { name = "whoami", arguments = new { } });
        var after = await client.AskAsync("tokens", new { });
        Assert.NotEqual(before.GetProperty("access").GetString(), after.GetProperty("access").GetString());
        Assert.NotEqual(before.GetProperty("refresh").GetString(), after.GetProperty("refresh").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_second_line_steps_up_for_administration(bool registersItself)
    {
        using var client = await StartAsync(2, registersItself);
        await client.SignInAsync("connect", suite.Endpoints.Owner);
        var before = await client.AskAsync("tokens", new { });
        Assert.DoesNotContain("audit:write", before.GetProperty("scope").GetString()!.Split(' '));

        using var calls = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token);
        var stream = new
        {
            environmentIds = new[] { await calls.FindSandboxAsync() },
            type = "datadog",
            name = "Stepped up",
            datadog = new { site = "datadoghq.com", apiKey = "0123456789abcdef" },
            dryRun = true,
        };
        var answer = await client.SignInAsync("call", suite.Endpoints.Owner, new { name = "create_audit_stream", arguments = stream });
        Assert.False(answer.TryGetProperty("isError", out var error) && error.GetBoolean(), answer.GetRawText());
        var after = await client.AskAsync("tokens", new { });
        Assert.Contains("audit:write", after.GetProperty("scope").GetString()!.Split(' '));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task It_is_refused_when_the_person_says_no(int line)
    {
        using var client = await StartAsync(line, registersItself: true);
        Assert.Equal("access_denied", await client.RefuseAsync(suite.Endpoints.Owner));
    }

    private Task<TypeScriptClient> StartAsync(int line, bool registersItself) =>
        TypeScriptClient.StartAsync(
            line,
            suite.Endpoints.Mcp,
            registersItself ? null : "mcp-public",
            TestContext.Current.CancellationToken
        );

    private static string? FindRole(JsonElement me) =>
        me.EnumerateObject()
            .Where(member => member.Name == "role" && member.Value.ValueKind == JsonValueKind.String)
            .Select(member => member.Value.GetString())
            .FirstOrDefault()
        ?? me.EnumerateObject()
            .Where(member => member.Value.ValueKind == JsonValueKind.Object)
            .Select(member => FindRole(member.Value))
            .FirstOrDefault(role => role is not null);
}
