using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Edge.Http;
using Platform.Edge.Transcoding;
using Platform.Testing;

namespace Platform.Edge.Tests.Protocol;

/// <summary>The protocol engine on real HTTP, with a handful of tools behind it and no policy.</summary>
public sealed class FixtureServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FixtureServer(WebApplication app, Uri url)
    {
        _app = app;
        Url = url;
    }

    public Uri Url { get; }

    public FixtureApplication Application => (FixtureApplication)_app.Services.GetRequiredService<McpApplication>();

    public static Task<FixtureServer> StartAsync(params (string Key, string Value)[] settings) => StartAsync<FixtureApplication>(settings);

    public static async Task<FixtureServer> StartAsync<TApplication>(params (string Key, string Value)[] settings)
        where TApplication : McpApplication
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Edge:PublicUrl"] = "https://mcp.example.test/mcp",
                ["Edge:AllowedOrigins:0"] = "https://claude.example",
                ["Edge:Issuer"] = "https://id.example.test/realms/platform",
            }
        );
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.Services.AddSingleton(new McpScopes(["things:read", "things:write"]));
        builder.AddMcpEndpoint<TApplication>();
        var app = builder.Build();
        app.UseCors();
        app.MapMcp();
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new FixtureServer(app, new Uri(address + "/mcp"));
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

public sealed class FixtureApplication : McpApplication
{
    /// <summary>The method whose exchanges cannot be opened.</summary>
    public const string NeverOpened = "resources/list";

    private const string Plain = "plain_";

    public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<string> Closed { get; } = new();

    /// <summary>What nobody foresaw, by method.</summary>
    public ConcurrentQueue<(string Method, Exception Exception)> Unforeseen { get; } = new();

    /// <summary>Returns once an exchange of this method was closed, which can be after its answer has arrived.</summary>
    public Task ClosedAsync(string method) => Eventually.True(() => Closed.Contains(method));

    public override ValueTask<bool> AdmitAsync(HttpContext http) => ValueTask.FromResult(true);

    public override ValueTask<McpServerOptions?> OpenAsync(McpExchange exchange)
    {
        if (exchange.Method == NeverOpened)
        {
            throw new InvalidOperationException("a secret detail");
        }

        return ValueTask.FromResult<McpServerOptions?>(
            new()
            {
                ServerInstructions = "Fixture.",
                Capabilities = new() { Tools = new() },
                Handlers = new()
                {
                    ListToolsHandler = (_, _) =>
                        ValueTask.FromResult(
                            new ListToolsResult
                            {
                                Tools = [new Tool { Name = "echo", Description = "Says it again." }],
                                TimeToLive = TimeSpan.FromMinutes(1),
                            }
                        ),
                    ListPromptsHandler = (_, _) => throw new InvalidOperationException("a secret detail"),
                    CallToolHandler = (request, token) =>
                        request.Params.Name.StartsWith(Plain, StringComparison.Ordinal)
                            ? AnswerAsync(exchange, request.Params.Name[Plain.Length..], request, token)
                            : CallAsync(exchange, request.Params.Name, request, token),
                },
            }
        );
    }

    public override string Explain(McpExchange exchange, Exception exception)
    {
        Unforeseen.Enqueue((exchange.Method, exception));
        return "Explained.";
    }

    public override ValueTask CloseAsync(McpExchange exchange)
    {
        Closed.Enqueue(exchange.Method);
        return ValueTask.CompletedTask;
    }

    private async ValueTask<CallToolResult> CallAsync(
        McpExchange exchange,
        string tool,
        RequestContext<CallToolRequestParams> request,
        CancellationToken token
    )
    {
        switch (tool)
        {
            case "echo":
                return Text(exchange.Arguments.GetProperty("text").GetString()!);
            case "raw":
                var members = new PooledBuffer();
                members.Write(
                    Encoding.UTF8.GetBytes("\"content\":[{\"type\":\"text\",\"text\":\"raw\"}],\"structuredContent\":{\"n\":\n1}")
                );
                exchange.AnswerWith(members);
                return new CallToolResult();
            case "progress":
                await request.Server.NotifyProgressAsync(
                    request.Params.ProgressToken!.Value,
                    new() { Progress = 1, Total = 2 },
                    cancellationToken: token
                );
                return Text("done");
            case "throw":
                throw new InvalidOperationException("a secret detail");
            case "wait":
                Entered.TrySetResult();
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                }
                catch (OperationCanceledException)
                {
                    Cancelled.TrySetResult();
                    throw;
                }
                return Text("never");
            case "slow":
                await Entered.Task;
                return Text("late");
            default:
                throw new McpProtocolException("Unknown tool.", McpErrorCode.InvalidParams);
        }
    }

    // The same with members that are already written.
    private async ValueTask<CallToolResult> AnswerAsync(
        McpExchange exchange,
        string tool,
        RequestContext<CallToolRequestParams> request,
        CancellationToken token
    )
    {
        var result = await CallAsync(exchange, tool, request, token);
        var members = new PooledBuffer();
        members.Write(
            Encoding.UTF8.GetBytes(
                $$"""
                "content":[{"type":"text","text":"{{((TextContentBlock)result.Content.Single()).Text}}"}]
                """
            )
        );
        exchange.AnswerWith(members);
        return result;
    }

    private static CallToolResult Text(string text) => new() { Content = [new TextContentBlock { Text = text }] };
}
