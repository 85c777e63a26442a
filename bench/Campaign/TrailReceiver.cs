using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Platform.Bench.Campaign;

/// <param name="Kind"><c>event</c>, <c>checkpoint</c> or <c>test</c>.</param>
/// <param name="Message">What the log hashed, or the text of a checkpoint.</param>
internal sealed record TrailEntry(
    string Kind,
    string Id,
    long Sequence,
    string Message,
    DateTimeOffset OccurredAt,
    DateTimeOffset ReceivedAt
);

/// <summary>The destination of two streams, in the form of Datadog and as an HTTPS endpoint. It keeps all it was sent, in order.</summary>
internal sealed class TrailReceiver : IAsyncDisposable
{
    public const string Datadog = "datadog";
    public const string Https = "https";

    private readonly WebApplication _app;
    private readonly Dictionary<string, ConcurrentQueue<TrailEntry>> _entries = new() { [Datadog] = new(), [Https] = new() };

    private TrailReceiver(WebApplication app) => _app = app;

    public IReadOnlyCollection<TrailEntry> EntriesOf(string stream) => _entries[stream];

    public static async Task<TrailReceiver> StartAsync(Uri address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.GetLeftPart(UriPartial.Authority));
        var app = builder.Build();
        var receiver = new TrailReceiver(app);
        app.MapPost("/api/v2/logs", (Delegate)receiver.TakeDatadogAsync);
        app.MapPost("/hook", (Delegate)receiver.TakeHttpsAsync);
        await app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<IResult> TakeDatadogAsync(HttpContext http)
    {
        await using var unzipped = new GZipStream(http.Request.Body, CompressionMode.Decompress);
        Keep(Datadog, await JsonSerializer.DeserializeAsync<JsonElement>(unzipped, cancellationToken: http.RequestAborted));
        return Results.Json(new { }, statusCode: 202);
    }

    private async Task<IResult> TakeHttpsAsync(HttpContext http)
    {
        var body = await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body, cancellationToken: http.RequestAborted);
        Keep(Https, body.GetProperty("data").GetProperty("entries"));
        return Results.Ok();
    }

    private void Keep(string stream, JsonElement entries)
    {
        var now = DateTimeOffset.UtcNow;
        foreach (var entry in entries.EnumerateArray())
        {
            _entries[stream]
                .Enqueue(
                    new TrailEntry(
                        Text(entry, "kind"),
                        Text(entry, "id"),
                        entry.TryGetProperty("sequence", out var sequence) ? sequence.GetInt64() : 0,
                        Text(entry, "message"),
                        entry.TryGetProperty("occurredAt", out var time) ? time.GetDateTimeOffset()
                            : entry.TryGetProperty("timestamp", out var stamp) ? DateTimeOffset.FromUnixTimeMilliseconds(stamp.GetInt64())
                            : now,
                        now
                    )
                );
        }
    }

    private static string Text(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
