using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Platform.Audit.Tests;

/// <summary>
/// A receiver that holds the client to the contract of Datadog's logs intake, and can be told to misbehave. A request that breaks the
/// contract gets 400 and is remembered in <see cref="Violations"/>.
/// </summary>
internal sealed class DatadogReceiver : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Func<HttpContext, Received, Task<bool>>> _faults = new();
    private readonly ConcurrentDictionary<string, Func<Received, int?>> _rules = new();
    private readonly ConcurrentQueue<Received> _accepted = new();
    private WebApplication? _app;

    public string Address { get; private set; } = "";

    public ConcurrentQueue<string> Violations { get; } = new();

    /// <summary>Every request that got a body read, accepted or not.</summary>
    public ConcurrentQueue<Received> Requests { get; } = new();

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

    /// <summary>What was accepted under this key, in order, one element per entry.</summary>
    public IReadOnlyList<JsonElement> Accepted(string key, string kind = "event") =>
        [
            .. _accepted
                .Where(request => request.Key == key)
                .SelectMany(request => request.Entries)
                .Where(entry => entry.GetProperty("kind").GetString() == kind),
        ];

    public IReadOnlyList<long> Sequences(string key) => [.. Accepted(key).Select(entry => entry.GetProperty("sequence").GetInt64())];

    /// <summary>Answers requests with this key by this rule, for as long as it gives a status.</summary>
    public void Rule(string key, Func<Received, int?> rule) => _rules[key] = rule;

    public void Accept(string key) => _rules.TryRemove(key, out _);

    /// <summary>Misbehaves once, at the next request with this key: true when that has answered.</summary>
    public void Once(string key, Func<HttpContext, Received, Task<bool>> fault) => _faults[key] = fault;

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>Takes a request as accepted, as a fault that loses the answer afterwards does.</summary>
    public void Take(Received request) => _accepted.Enqueue(request);

    private async Task ReceiveAsync(HttpContext context)
    {
        var key = context.Request.Headers["DD-API-KEY"].ToString();
        if (_faults.TryGetValue(key, out var early) && early == ResetBeforeBody && _faults.TryRemove(key, out _))
        {
            context.Abort();
            return;
        }

        var request = await ReadAsync(context);
        if (request is null)
        {
            context.Response.StatusCode = 400;
            return;
        }

        Requests.Enqueue(request);
        if (_faults.TryRemove(key, out var fault) && await fault(context, request))
        {
            return;
        }

        if (_rules.TryGetValue(request.Key, out var rule) && rule(request) is { } status)
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync($$"""{"errors":["refused {{request.Key}}"]}""");
            return;
        }

        _accepted.Enqueue(request);
        context.Response.StatusCode = 202;
        await context.Response.WriteAsync("{}");
    }

    public static Task<bool> ResetBeforeBody(HttpContext context, Received request) =>
        throw new InvalidOperationException("Answered before the body is read.");

    public static Task<bool> ResetAfterBody(HttpContext context, Received request)
    {
        context.Abort();
        return Task.FromResult(true);
    }

    private async Task<Received?> ReadAsync(HttpContext context)
    {
        var broken = false;
        var http = context.Request;
        Require(http.Method == "POST" && http.Path == "/api/v2/logs", $"{http.Method} {http.Path}");
        Require(http.ContentType == "application/json", $"Content-Type {http.ContentType}");
        Require(http.Headers.ContentEncoding == "gzip", $"Content-Encoding {http.Headers.ContentEncoding}");
        var key = http.Headers["DD-API-KEY"].ToString();
        Require(key.Length >= 16, "no DD-API-KEY");
        using var body = new MemoryStream();
        await using (var gzip = new GZipStream(http.Body, CompressionMode.Decompress))
        {
            await gzip.CopyToAsync(body);
        }

        Require(body.Length <= 5_000_000, $"{body.Length} bytes");
        var document = JsonDocument.Parse(body.GetBuffer().AsMemory(0, (int)body.Length));
        Require(document.RootElement.ValueKind == JsonValueKind.Array, "no array");
        var entries = document.RootElement.EnumerateArray().ToList();
        Require(entries.Count is >= 1 and <= 1000, $"{entries.Count} entries");
        foreach (var entry in entries)
        {
            Require(entry.GetRawText().Length < 1_000_000, "an entry of a megabyte");
            foreach (var name in new[] { "message", "ddsource", "service", "ddtags" })
            {
                Require(entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String, $"no {name}");
            }

            Require(entry.GetProperty("timestamp").GetInt64() > 0, "no timestamp");
        }

        return broken ? null : new Received(key, entries, body.Length);

        void Require(bool holds, string what)
        {
            if (!holds)
            {
                broken = true;
                Violations.Enqueue(what);
            }
        }
    }

    internal sealed record Received(string Key, IReadOnlyList<JsonElement> Entries, long Bytes);
}
