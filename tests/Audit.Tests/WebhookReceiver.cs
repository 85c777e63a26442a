using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Platform.Audit.Tests;

/// <summary>An endpoint that checks signatures as Standard Webhooks has it, one path per test, and can be told to misbehave.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Func<HttpContext, Received, Task<bool>>> _rules = new();
    private WebApplication? _app;

    public ConcurrentQueue<Received> All { get; } = new();

    public string Address { get; private set; } = "";

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(ReceiveAsync);
        await _app.StartAsync();
        Address = _app.Urls.Single();
    }

    /// <summary>Decides about requests to a path: true when it has answered, otherwise they are accepted.</summary>
    public void Rule(string path, Func<HttpContext, Received, Task<bool>> rule) => _rules[path] = rule;

    public void Status(string path, int status) => Rule(path, (context, _) =>
        {
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        });

    public void Accept(string path) => _rules.TryRemove(path, out _);

    public IReadOnlyList<Received> At(string path) => [.. All.Where(request => request.Path == path)];

    /// <summary>The entries of a kind that were accepted at a path, in order.</summary>
    public IReadOnlyList<JsonElement> Accepted(string path, string kind = "event") =>
        [
            .. At(path)
                .Where(request => request.IsAccepted)
                .SelectMany(request => request.Entries)
                .Where(entry => entry.GetProperty("kind").GetString() == kind),
        ];

    public IReadOnlyList<long> Sequences(string path) => [.. Accepted(path).Select(entry => entry.GetProperty("sequence").GetInt64())];

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var headers = context.Request.Headers;
        var request = new Received(
            context.Request.Path,
            headers["webhook-id"].ToString(),
            headers["webhook-timestamp"].ToString(),
            headers["webhook-signature"].ToString(),
            body.ToArray(),
            context.Request.Method,
            context.Request.ContentType ?? ""
        );
        All.Enqueue(request);
        if (_rules.TryGetValue(request.Path, out var rule) && await rule(context, request))
        {
            return;
        }

        request.IsAccepted = true;
        context.Response.StatusCode = 204;
    }

    internal sealed record Received(string Path, string Id, string Timestamp, string Signatures, byte[] Body, string Method, string Type)
    {
        public bool IsAccepted { get; set; }

        public JsonElement Json { get; } = JsonDocument.Parse(Body).RootElement;

        public IReadOnlyList<JsonElement> Entries => [.. Json.GetProperty("data").GetProperty("entries").EnumerateArray()];

        /// <summary>What a receiver that knows this secret finds.</summary>
        public bool IsSignedWith(string secret)
        {
            var key = Convert.FromBase64String(secret["whsec_".Length..]);
            byte[] content = [.. Encoding.UTF8.GetBytes($"{Id}.{Timestamp}."), .. Body];
            var signed = HMACSHA256.HashData(key, content);
            return Signatures.Split(' ').Contains("v1," + Convert.ToBase64String(signed));
        }
    }
}
