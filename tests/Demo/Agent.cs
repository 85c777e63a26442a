using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Authentication;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Platform.Demo;

/// <summary>One signed-in MCP client. Every call carries a trace id of its own and is written down.</summary>
internal sealed class Agent : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    // Not the caller's fault, and over soon. A write is safe to repeat because it carries its idempotency key.
    private static readonly HashSet<string> _transient =
    [
        "UNAVAILABLE",
        "OUTCOME_UNKNOWN",
        "INTERNAL",
        "BUSY",
        "DEADLINE_EXCEEDED",
        "lost",
    ];

    private readonly McpClient _client;
    private readonly string _name;
    private readonly CallLog _log;

    private Agent(McpClient client, string name, CallLog log)
    {
        _client = client;
        _name = name;
        _log = log;
    }

    public string ProtocolVersion => _client.NegotiatedProtocolVersion ?? "unknown";

    public static Task<Agent> ConnectAsync(Uri mcp, string name, string token, CallLog log, CancellationToken cancellationToken) =>
        ConnectAsync(
            new HttpClientTransportOptions
            {
                Endpoint = mcp,
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {token}" },
            },
            name,
            log,
            cancellationToken
        );

    public static Task<Agent> ConnectAsync(
        Uri mcp,
        string name,
        ClientOAuthOptions oauth,
        CallLog log,
        CancellationToken cancellationToken
    ) =>
        ConnectAsync(
            new HttpClientTransportOptions
            {
                Endpoint = mcp,
                TransportMode = HttpTransportMode.StreamableHttp,
                OAuth = oauth,
            },
            name,
            log,
            cancellationToken
        );

    public async Task<IReadOnlyList<string>> ListToolsAsync(CancellationToken cancellationToken) =>
        [.. (await _client.ListToolsAsync(cancellationToken: cancellationToken)).Select(tool => tool.Name)];

    /// <summary>Calls a tool once.</summary>
    /// <exception cref="ToolRefusedException">The answer is an error, or there is none.</exception>
    public async Task<JsonElement> CallAsync(string tool, object arguments, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.SerializeToElement(arguments, JsonSerializerOptions.Web);
        var key = json.TryGetProperty("idempotencyKey", out var given) ? given.GetString() : null;
        using var activity = new Activity(tool) { ActivityTraceFlags = ActivityTraceFlags.Recorded }
            .SetIdFormat(ActivityIdFormat.W3C)
            .Start();
        var answer = "lost";
        try
        {
            var result = await _client.CallToolAsync(
                new CallToolRequestParams
                {
                    Name = tool,
                    Arguments = json.EnumerateObject().ToDictionary(argument => argument.Name, argument => argument.Value),
                    Meta = new JsonObject { ["traceparent"] = activity.Id },
                },
                cancellationToken
            );
            if (result.IsError == true)
            {
                var text = string.Concat(result.Content.OfType<TextContentBlock>().Select(block => block.Text));
                answer = text.Split(':')[0];
                throw new ToolRefusedException(tool, answer, text);
            }

            var content = result.StructuredContent
                ?? throw new ToolRefusedException(tool, "lost", $"{tool} answered without structured content.");
            answer = content.TryGetProperty("confirmationRequired", out var preview) && preview.GetBoolean() ? "preview" : "ok";
            return content;
        }
        catch (McpProtocolException exception)
        {
            answer = $"{exception.ErrorCode}";
            throw new ToolRefusedException(tool, answer, exception.Message, exception);
        }
        catch (Exception exception) when (IsTransport(exception, cancellationToken))
        {
            throw new ToolRefusedException(tool, answer, $"{tool}: {exception.Message}", exception);
        }
        finally
        {
            _log.Add(new MadeCall(_name, tool, activity.TraceId.ToHexString(), answer, key));
        }
    }

    /// <summary>
    /// Calls a tool, and calls it again when it failed for a passing reason. A write carries an idempotency key, so that it acts once.
    /// </summary>
    public async Task<JsonElement> CallUntilAnsweredAsync(string tool, object arguments, CancellationToken cancellationToken)
    {
        var waited = Stopwatch.StartNew();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await CallAsync(tool, arguments, cancellationToken);
            }
            catch (ToolRefusedException refused)
                when (_transient.Contains(refused.Reason) && waited.Elapsed < _patience && (refused.Reason != "INTERNAL" || attempt < 5))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(100 << attempt, 2000)), cancellationToken);
            }
        }
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static async Task<Agent> ConnectAsync(
        HttpClientTransportOptions options,
        string name,
        CallLog log,
        CancellationToken cancellationToken
    )
    {
        var client = await McpClient.CreateAsync(
            new HttpClientTransport(options),
            new McpClientOptions
            {
                ClientInfo = new Implementation { Name = "platform-demo", Version = "1.0" },
            },
            cancellationToken: cancellationToken
        );
        return new Agent(client, name, log);
    }

    // 401 and 403 mean what they say; all else that HTTP can come to is worth another try.
    private static bool IsTransport(Exception exception, CancellationToken cancellationToken) =>
        exception switch
        {
            HttpRequestException { StatusCode: HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden } => false,
            HttpRequestException or IOException or TimeoutException => true,
            OperationCanceledException => !cancellationToken.IsCancellationRequested,
            _ => false,
        };
}

/// <summary>A tool answered with an error, or not at all.</summary>
internal sealed class ToolRefusedException(string tool, string reason, string text, Exception? inner = null) : Exception(text, inner)
{
    public string Tool => tool;

    /// <summary>Such as NOT_FOUND; <c>lost</c> when there was no answer.</summary>
    public string Reason => reason;
}
