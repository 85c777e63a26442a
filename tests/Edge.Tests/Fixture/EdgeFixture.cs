using System.Net.Http.Headers;
using System.Text.Json;
using Fixture.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Platform.Contracts.Catalogue;
using Platform.Edge.Tests.Protocol;
using Platform.Identity.Contracts;
using Platform.ServiceDefaults;
using Platform.Testing;

namespace Platform.Edge.Tests.Fixture;

/// <summary>The edge as it runs, with the fixture's tools, on a real port before a <see cref="BackEnd"/>.</summary>
public sealed class EdgeFixture : IAsyncDisposable
{
    public const string PublicUrl = "https://mcp.example.test/mcp";

    private readonly WebApplication _app;
    private readonly bool _ownsSpool;

    private EdgeFixture(WebApplication app, BackEnd backEnd, Uri url, string spool, bool ownsSpool)
    {
        (_app, BackEnd, Url, Spool, _ownsSpool) = (app, backEnd, url, spool, ownsSpool);
        Token = PersonalToken.Create();
    }

    public BackEnd BackEnd { get; }

    public Uri Url { get; }

    public string Spool { get; }

    /// <summary>The personal token that requests carry unless told otherwise.</summary>
    public string Token { get; set; }

    public required CapturedLog Log { get; init; }

    public HttpClient Http { get; } = new();

    public IServiceProvider Services => _app.Services;

    public static async Task<EdgeFixture> StartAsync(
        BackEnd? backEnd = null,
        TimeProvider? time = null,
        string? spool = null,
        IReadOnlyList<ToolCatalogue>? more = null,
        params (string Key, string Value)[] settings
    )
    {
        backEnd ??= await BackEnd.StartAsync();
        var ownsSpool = spool is null;
        spool ??= System.IO.Directory.CreateTempSubdirectory("edge-spool").FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Edge:PublicUrl"] = PublicUrl,
                ["Edge:Issuer"] = backEnd.Issuer.Name,
                ["Edge:Access:ServiceSecret"] = "edge-secret",
                ["Edge:Audit:SpoolDirectory"] = spool,
                ["Edge:Audit:BatchEvery"] = "00:00:00.050",
                ["Edge:Audit:Patience"] = "00:00:02",
                ["Edge:Access:ReadsPerSecond"] = "100000",
                ["Edge:Access:WritesPerSecond"] = "100000",
                ["services:fixture:grpc:0"] = backEnd.Grpc,
                ["services:other:grpc:0"] = backEnd.Grpc,
                ["services:identity:grpc:0"] = backEnd.Grpc,
                ["services:audit:grpc:0"] = backEnd.Grpc,
            }
        );
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        if (time is not null)
        {
            builder.Services.AddSingleton(time);
        }

        builder.AddServiceDefaults("edge");
        var log = new CapturedLog();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(log);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        IEnumerable<string> listed = more is null ? ["things", "trail"] : ["things", "trail", "tasks"];
        builder.AddEdge(listed, [FixtureContract.Catalogue, .. more ?? []]);
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapEdge();
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new EdgeFixture(app, backEnd, new Uri($"{address}/mcp"), spool, ownsSpool) { Log = log };
    }

    /// <summary>Calls a tool by the rules of 2026-07-28.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        string tool,
        string arguments = "{}",
        string query = "",
        string? token = null,
        string capabilities = "{}",
        string more = ""
    )
    {
        var request = Post.Call(new Uri(Url + query), tool, arguments, more: more, capabilities: capabilities);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? Token);
        return await Http.SendAsync(request);
    }

    /// <summary>Calls a tool and returns its result.</summary>
    public async Task<JsonElement> CallAsync(
        string tool,
        string arguments = "{}",
        string query = "",
        string? token = null,
        string capabilities = "{}",
        string more = ""
    )
    {
        using var response = await SendAsync(tool, arguments, query, token, capabilities, more);
        var body = await response.JsonAsync();
        return body.TryGetProperty("result", out var result)
            ? result
            : throw new InvalidOperationException($"{(int)response.StatusCode}: {body}");
    }

    public async Task<IReadOnlyList<string>> ListAsync(string query = "", string? token = null)
    {
        using var request = Post.ModernRequest(new Uri(Url + query), "tools/list");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? Token);
        using var response = await Http.SendAsync(request);
        return
        [
            .. (await response.JsonAsync())
                .GetProperty("result")
                .GetProperty("tools")
                .EnumerateArray()
                .Select(tool => tool.GetProperty("name").GetString()!),
        ];
    }

    /// <summary>The official client, connected by the rules of a version.</summary>
    public async Task<McpClient> ConnectAsync(
        string version,
        Func<ElicitRequestParams?, CancellationToken, ValueTask<ElicitResult>>? elicit = null
    )
    {
        var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return await McpClient.CreateAsync(
            new HttpClientTransport(new() { Endpoint = Url, TransportMode = HttpTransportMode.StreamableHttp }, http, ownsHttpClient: true),
            new()
            {
                ProtocolVersion = version,
                Handlers = new() { ElicitationHandler = elicit },
            },
            cancellationToken: TestContext.Current.CancellationToken
        );
    }

    public async Task StopEdgeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Http.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopEdgeAsync();
        await BackEnd.DisposeAsync();
        if (_ownsSpool)
        {
            System.IO.Directory.Delete(Spool, recursive: true);
        }
    }
}

internal static class ResultExtensions
{
    public static bool IsError(this JsonElement result) => result.TryGetProperty("isError", out var isError) && isError.GetBoolean();

    public static string Text(this JsonElement result) => result.GetProperty("content")[0].GetProperty("text").GetString()!;

    public static JsonElement Structured(this JsonElement result) => result.GetProperty("structuredContent");
}
