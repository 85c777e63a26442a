using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Platform.EndToEnd.Tests;

/// <summary>
/// Stands between the edge and a service, and hands calls and answers on. While it withholds answers, a call that is named in
/// <c>x-tool</c> reaches the service, which commits and answers, and nothing of that reaches the edge: its connection breaks when the
/// service has been killed.
/// </summary>
internal sealed class AnswerlessProxy : IAsyncDisposable
{
    private const string Tool = "x-tool";
    private const string CallId = "x-call-id";

    // Of the connection, and not of the message.
    private static readonly HashSet<string> _ofTheConnection = new(StringComparer.OrdinalIgnoreCase) { "host", "transfer-encoding" };

    private readonly HttpMessageInvoker _service = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _withheld = new();
    private readonly ConcurrentBag<(string CallId, string Tool, string? Refusal)> _ends = [];
    private readonly WebApplication _app;
    private Uri? _target;
    private bool _withholds;

    private AnswerlessProxy(WebApplication app) => _app = app;

    public string Address => _app.Urls.First();

    /// <summary>How each withheld call ended: its id, its tool, and no text where it succeeded.</summary>
    public IReadOnlyCollection<(string CallId, string Tool, string? Refusal)> Ends => _ends;

    public static async Task<AnswerlessProxy> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2)
        );
        var app = builder.Build();
        var proxy = new AnswerlessProxy(app);
        app.Run(proxy.ForwardAsync);
        await app.StartAsync();
        return proxy;
    }

    /// <summary>Where the service is.</summary>
    public void LeadTo(Uri service) => _target = service;

    public void Withhold() => _withholds = true;

    /// <summary>The service is dead: breaks the connections on which answers are awaited, and hands on again what comes.</summary>
    public void Break()
    {
        _withholds = false;
        foreach (var call in _withheld.Values)
        {
            call.TrySetResult();
        }

        _withheld.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        Break();
        await _app.DisposeAsync();
        _service.Dispose();
    }

    private async Task ForwardAsync(HttpContext http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_target!, http.Request.Path))
        {
            Version = new Version(2, 0),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StreamContent(http.Request.Body),
        };
        foreach (var header in http.Request.Headers.Where(header => header.Key[0] != ':' && !_ofTheConnection.Contains(header.Key)))
        {
            if (!request.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string?>)header.Value))
            {
                request.Content.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string?>)header.Value);
            }
        }

        try
        {
            using var response = await _service.SendAsync(request, http.RequestAborted);
            if (_withholds && http.Request.Headers.TryGetValue(Tool, out var tool))
            {
                await response.Content.LoadIntoBufferAsync();
                _ends.Add((http.Request.Headers[CallId].ToString(), tool.ToString(), RefusalIn(response)));
                var broken = _withheld.GetOrAdd(http.Request.Headers[CallId].ToString(), _ =>
                    new(TaskCreationOptions.RunContinuationsAsynchronously)
                );
                await broken.Task;
                http.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
                return;
            }

            await HandOnAsync(response, http);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            http.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
        }
    }

    // An answer without a message has its status among the headers.
    private static string? RefusalIn(HttpResponseMessage response)
    {
        var headers = response.TrailingHeaders.Concat(response.Headers).ToLookup(header => header.Key, header => header.Value.Single());
        return headers["grpc-status"].First() == "0"
            ? null
            : $"{headers["grpc-status"].First()} {headers["grpc-message"].FirstOrDefault()}";
    }

    private static async Task HandOnAsync(HttpResponseMessage response, HttpContext http)
    {
        http.Response.StatusCode = (int)response.StatusCode;
        foreach (var header in response.Headers.Concat(response.Content.Headers).Where(header => !_ofTheConnection.Contains(header.Key)))
        {
            http.Response.Headers.Append(header.Key, header.Value.ToArray());
        }

        await response.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
        foreach (var trailer in response.TrailingHeaders)
        {
            http.Response.AppendTrailer(trailer.Key, trailer.Value.ToArray());
        }
    }
}
