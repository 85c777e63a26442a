using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Platform.Demo;

/// <summary>
/// A strict stand-in for Datadog's logs intake: it checks key, encoding, shape and limits as the real one documents them, answers 202, and
/// keeps all it was sent.
/// </summary>
internal sealed class DatadogReceiver : IAsyncDisposable
{
    private const int MaxEntries = 1000;
    private const int MaxBytes = 5_000_000;
    private const int MaxEntryBytes = 1_000_000;
    private static readonly TimeSpan _maxAge = TimeSpan.FromHours(18);

    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly List<ReceivedEntry> _entries = [];
    private readonly List<string> _violations = [];

    private DatadogReceiver(WebApplication app, string key)
    {
        _app = app;
        Key = key;
    }

    /// <summary>Where the development AppHost has the audit service send what is for datadoghq.com.</summary>
    public static Uri DefaultIntake { get; } = new(Environment.GetEnvironmentVariable("Demo__DatadogIntake") ?? "http://127.0.0.1:18126");

    public Uri Address => new(_app.Urls.First());

    /// <summary>The only API key that it takes.</summary>
    public string Key { get; }

    public IReadOnlyList<ReceivedEntry> Entries => Locked(() => (IReadOnlyList<ReceivedEntry>)[.. _entries]);

    /// <summary>What was sent that the real one would have refused or cut off.</summary>
    public IReadOnlyList<string> Violations => Locked(() => (IReadOnlyList<string>)[.. _violations]);

    public static async Task<DatadogReceiver> StartAsync(Uri address, string key)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.GetLeftPart(UriPartial.Authority));
        var app = builder.Build();
        var receiver = new DatadogReceiver(app, key);
        app.MapPost("/api/v2/logs", (Delegate)receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    /// <summary>A key for a stream that outlives the demo, kept beside it.</summary>
    public static string RememberKey()
    {
        var file = Path.Combine(Checkout.Folder, "datadog-api-key");
        if (!File.Exists(file))
        {
            File.WriteAllText(file, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        }

        return File.ReadAllText(file).Trim();
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpContext http)
    {
        var request = http.Request;
        if (request.Headers["DD-API-KEY"] != Key)
        {
            return Refuse(request.Headers.ContainsKey("DD-API-KEY") ? 403 : 401, "The API key is missing or wrong.");
        }

        if (
            request.ContentType?.StartsWith("application/json", StringComparison.Ordinal) != true
            || request.Headers.ContentEncoding != "gzip"
        )
        {
            return Refuse(415, $"Expected gzip and JSON, got {request.Headers.ContentEncoding} and {request.ContentType}.");
        }

        using var body = new MemoryStream();
        await using (var unzipped = new GZipStream(request.Body, CompressionMode.Decompress))
        {
            await unzipped.CopyToAsync(body, http.RequestAborted);
        }

        if (body.Length > MaxBytes)
        {
            return Refuse(413, $"The payload has {body.Length} bytes.");
        }

        JsonElement payload;
        try
        {
            payload = JsonSerializer.Deserialize<JsonElement>(body.ToArray());
        }
        catch (JsonException exception)
        {
            return Refuse(400, exception.Message);
        }

        if (payload.ValueKind != JsonValueKind.Array || payload.GetArrayLength() is 0 or > MaxEntries)
        {
            return Refuse(payload.ValueKind == JsonValueKind.Array ? 413 : 400, "The payload is not an array of 1 to 1,000 entries.");
        }

        foreach (var entry in payload.EnumerateArray())
        {
            if (FindFault(entry) is { } fault)
            {
                return Refuse(400, fault);
            }
        }

        Locked(() => _entries.AddRange(payload.EnumerateArray().Select(ReceivedEntry.Read)));
        return Results.Json(new { }, statusCode: 202);
    }

    private static string? FindFault(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            return "An entry is not an object.";
        }

        foreach (var name in (string[])["ddsource", "ddtags", "service", "message"])
        {
            if (!entry.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String)
            {
                return $"An entry has no text {name}.";
            }
        }

        if (
            entry.TryGetProperty("timestamp", out var time)
            && DateTimeOffset.FromUnixTimeMilliseconds(time.GetInt64()) < DateTimeOffset.UtcNow - _maxAge
        )
        {
            return "An entry is older than 18 hours.";
        }

        return entry.GetRawText().Length > MaxEntryBytes ? "An entry is larger than 1 MB and would be cut off." : null;
    }

    private IResult Refuse(int status, string why)
    {
        Locked(() => _violations.Add($"{status}: {why}"));
        return Results.Json(new { errors = new[] { new { status = $"{status}", detail = why } } }, statusCode: status);
    }

    private void Locked(Action act)
    {
        lock (_gate)
        {
            act();
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }
}
