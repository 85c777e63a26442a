using System.IO.Compression;
using System.Net;
using System.Text.Json;
using Platform.Demo;
using Platform.Demo.Steps;

namespace Platform.EndToEnd.Tests;

/// <summary>What the demo checks at the sink would be worth nothing if it could not fail.</summary>
public sealed class AuditTrailTests : IAsyncLifetime
{
    private const string StreamId = "str_1";

    private readonly CallLog _calls = new();
    private readonly HttpClient _http = new();
    private DatadogReceiver _receiver = null!;

    public async ValueTask InitializeAsync()
    {
        _receiver = await DatadogReceiver.StartAsync(new Uri("http://127.0.0.1:0"), "the right key of it");
        _calls.Add(new MadeCall("owner", "whoami", Trace(1), "ok", null));
        _calls.Add(new MadeCall("owner", "create_record", Trace(2), "ok", "a"));
        _calls.Add(new MadeCall("owner", "create_record", Trace(3), "lost", null));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _receiver.DisposeAsync();
    }

    [Fact]
    public async Task A_complete_trail_passes_in_whatever_order_it_comes()
    {
        await SendAsync(Event(8, 2, "create_record", "committed"), Event(7, 1, "whoami", "read"));
        Assert.Empty(await CheckAsync(redeliveries: false));
    }

    [Fact]
    public async Task A_missing_call_fails()
    {
        await SendAsync(Event(7, 1, "whoami", "read"));
        Assert.Contains(await CheckAsync(redeliveries: false), line =>
            line.Contains("1 calls without one: create_record", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task An_event_that_comes_twice_fails_unless_something_was_interrupted()
    {
        var whoami = Event(7, 1, "whoami", "read");
        await SendAsync(whoami, Event(8, 2, "create_record", "committed"));
        await SendAsync(whoami);
        Assert.Single(await CheckAsync(redeliveries: false), line => line.Contains("1 event ids came again", StringComparison.Ordinal));
        Assert.Empty(await CheckAsync(redeliveries: true));
    }

    [Fact]
    public async Task A_gap_in_the_sequence_fails()
    {
        await SendAsync(Event(7, 1, "whoami", "read"), Event(9, 2, "create_record", "committed"));
        Assert.Single(await CheckAsync(redeliveries: false), line => line.Contains("with 1 gaps", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_write_that_was_committed_twice_fails()
    {
        await SendAsync(
            Event(7, 1, "whoami", "read"),
            Event(8, 2, "create_record", "committed"),
            Event(9, 2, "create_record", "committed")
        );
        Assert.Single(await CheckAsync(redeliveries: false), line => line.Contains("1 writes with a key", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a wrong key", HttpStatusCode.Forbidden)]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    public async Task The_receiver_takes_its_own_key_alone(string? key, HttpStatusCode expected) =>
        Assert.Equal(expected, await SendAsync(key, gzip: true, "[]"));

    [Theory]
    [InlineData(false, "[{}]", HttpStatusCode.UnsupportedMediaType)]
    [InlineData(true, "{}", HttpStatusCode.BadRequest)]
    [InlineData(true, "[", HttpStatusCode.BadRequest)]
    [InlineData(true, "[{\"message\":\"only\"}]", HttpStatusCode.BadRequest)]
    public async Task The_receiver_is_as_strict_as_the_intake(bool gzip, string body, HttpStatusCode expected)
    {
        Assert.Equal(expected, await SendAsync(_receiver.Key, gzip, body));
        Assert.Single(_receiver.Violations);
        Assert.Empty(_receiver.Entries);
    }

    private static string Trace(int call) => $"{call:x32}";

    private static object Event(long sequence, int call, string tool, string outcome) =>
        new
        {
            ddsource = "platform-audit",
            ddtags = "",
            service = "platform",
            kind = "event",
            id = $"evt_{sequence}",
            streamId = StreamId,
            sequence,
            action = "some.action",
            outcome,
            message = JsonSerializer.Serialize(
                new
                {
                    context = new
                    {
                        callId = $"{sequence}",
                        tool,
                        traceParent = $"00-{Trace(call)}-00000000000000ff-01",
                    },
                }
            ),
        };

    private async Task<IReadOnlyList<string>> CheckAsync(bool redeliveries)
    {
        using var told = new StringWriter();
        await AuditTrail.CheckAsync(
            _calls.Calls,
            _receiver,
            StreamId,
            redeliveries,
            new Story(told),
            TestContext.Current.CancellationToken,
            TimeSpan.Zero
        );
        return [.. told.ToString().Split('\n').Where(line => line.Contains("FAILED", StringComparison.Ordinal))];
    }

    private async Task SendAsync(params object[] entries) =>
        Assert.Equal(HttpStatusCode.Accepted, await SendAsync(_receiver.Key, gzip: true, JsonSerializer.Serialize(entries)));

    private async Task<HttpStatusCode> SendAsync(string? key, bool gzip, string body)
    {
        using var bytes = new MemoryStream();
        await using (Stream target = gzip ? new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true) : bytes)
        {
            await target.WriteAsync(System.Text.Encoding.UTF8.GetBytes(body));
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_receiver.Address, "/api/v2/logs"))
        {
            Content = new ByteArrayContent(bytes.ToArray()) { Headers = { ContentType = new("application/json") } },
        };
        if (gzip)
        {
            request.Content.Headers.ContentEncoding.Add("gzip");
        }

        if (key is not null)
        {
            request.Headers.Add("DD-API-KEY", key);
        }

        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
