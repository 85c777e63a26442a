using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

/// <summary>Wire format, limits, and what each answer means.</summary>
public sealed class DatadogSinkTests
{
    private const string Key = "0123456789abcdef0123456789abcdef";

    private readonly TestClock _clock = new();

    [Theory]
    [InlineData(200, "Retry")]
    [InlineData(202, "Accepted")]
    [InlineData(204, "Retry")]
    [InlineData(301, "Retry")]
    [InlineData(400, "Rejected")]
    [InlineData(401, "Unauthorized")]
    [InlineData(403, "Unauthorized")]
    [InlineData(404, "Retry")]
    [InlineData(408, "Retry")]
    [InlineData(413, "TooLarge")]
    [InlineData(429, "Retry")]
    [InlineData(500, "Retry")]
    [InlineData(502, "Retry")]
    [InlineData(503, "Retry")]
    public async Task Each_status_means_one_thing(int status, string verdict)
    {
        var answer = await SendAsync(_ => new HttpResponseMessage((HttpStatusCode)status));
        Assert.Equal((verdict, status), (answer.Verdict.ToString(), answer.Status));
    }

    [Fact]
    public async Task A_request_is_what_the_intake_documents()
    {
        HttpRequestMessage? sent = null;
        byte[] body = [];
        await SendAsync(request =>
        {
            sent = request;
            body = request.Content!.ReadAsByteArrayAsync().GetAwaiter().GetResult();
            return new HttpResponseMessage(HttpStatusCode.Accepted);
        });
        Assert.Equal(
            ("POST", "https://http-intake.logs.us5.datadoghq.com/api/v2/logs"),
            (sent!.Method.Method, sent.RequestUri!.ToString())
        );
        Assert.Equal([Key], sent.Headers.GetValues("DD-API-KEY"));
        Assert.Equal(
            ("application/json", "gzip"),
            (sent.Content!.Headers.ContentType!.ToString(), sent.Content.Headers.ContentEncoding.Single())
        );
        using var json = JsonDocument.Parse(new GZipStream(new MemoryStream(body), CompressionMode.Decompress));
        Assert.Equal("test", Assert.Single(json.RootElement.EnumerateArray()).GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Retry_after_is_read_as_seconds_and_as_a_date()
    {
        Assert.Equal(TimeSpan.FromSeconds(120), (await SendAsync(_ => Later("120"))).RetryAfter);
        var until = _clock.GetUtcNow().AddMinutes(3);
        Assert.InRange(
            (await SendAsync(_ => Later(until.ToString("R")))).RetryAfter!.Value,
            TimeSpan.FromSeconds(175),
            TimeSpan.FromSeconds(181)
        );
        Assert.Null((await SendAsync(_ => Later(_clock.GetUtcNow().AddHours(-1).ToString("R")))).RetryAfter);
        Assert.Null((await SendAsync(_ => Later("soon"))).RetryAfter);
    }

    [Fact]
    public async Task What_the_destination_says_is_shown_short_and_without_the_key()
    {
        var answer = await SendAsync(_ => new HttpResponseMessage(HttpStatusCode.Forbidden)
        {
            Content = new StringContent($"bad key {Key.ToUpperInvariant()}\u0007 begins with {Key[..12]} " + new string('x', 100_000)),
        });
        Assert.StartsWith("bad key ***  begins with *** xxx", answer.Message, StringComparison.Ordinal);
        Assert.InRange(answer.Message.Length, 1, 201);
    }

    [Fact]
    public void An_entry_carries_the_bytes_of_the_log_unchanged()
    {
        var body = Encoding.UTF8.GetBytes("""{"v":1,"text":"ü \"quoted\" \\ \u0001 😀"}""");
        using var entry = JsonDocument.Parse(Sink(_ => new HttpResponseMessage()).Encode(To(), Event(7, body)));
        Assert.Equal(body, Encoding.UTF8.GetBytes(entry.RootElement.GetProperty("message").GetString()!));
        Assert.Equal(7, entry.RootElement.GetProperty("sequence").GetInt64());
    }

    [Theory]
    [InlineData(1000, 10, 1000)]
    [InlineData(1001, 10, 1000)]
    [InlineData(10, 600_000, 8)]
    public void A_payload_ends_before_a_limit_is_passed(int events, int bytes, int taken)
    {
        var payload = Payload();
        var added = Enumerable
            .Range(1, events)
            .Count(sequence => payload.TryAdd(Event(sequence, new string('x', bytes)), DateTimeOffset.MinValue));
        Assert.Equal((taken, taken, (long)taken), (added, payload.Entries.Count, payload.Through));
        Assert.InRange(payload.Entries.Sum(entry => entry.Length + 1) + 1, 1, 5_000_000);
        Assert.Null(payload.StoppedBy);
    }

    [Fact]
    public void Five_megabytes_fit_to_the_byte_and_not_one_more()
    {
        var empty = Sink(_ => new HttpResponseMessage()).Encode(To(), Event(1, "")).Length;
        foreach (var (surplus, fits) in new[] { (0, true), (1, false) })
        {
            // Five entries, their commas and the two brackets.
            var payload = Payload();
            var sizes = Enumerable.Repeat(999_000, 5).Append(5_000_000 - 2 - (5 * 999_001) - 1 + surplus).ToList();
            var added = sizes
                .Select((size, i) => payload.TryAdd(Event(1, new string('x', size - empty)), DateTimeOffset.MinValue))
                .ToList();
            Assert.Equal([true, true, true, true, true, fits], added);
        }
    }

    [Fact]
    public void An_entry_of_a_megabyte_is_never_sent_because_it_would_be_cut_off()
    {
        var empty = Sink(_ => new HttpResponseMessage()).Encode(To(), Event(1, "")).Length;
        Assert.True(Payload().TryAdd(Event(1, new string('x', 999_999 - empty)), DateTimeOffset.MinValue));
        var payload = Payload();
        Assert.False(payload.TryAdd(Event(1, new string('x', 1_000_000 - empty)), DateTimeOffset.MinValue));
        Assert.NotNull(payload.StoppedBy);
    }

    private static HttpResponseMessage Later(string retryAfter)
    {
        var response = new HttpResponseMessage(HttpStatusCode.TooManyRequests);
        response.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
        return response;
    }

    [Theory]
    [InlineData(HttpRequestError.NameResolutionError, SocketError.HostNotFound, "NoRoute")]
    [InlineData(HttpRequestError.ConnectionError, SocketError.NetworkUnreachable, "NoRoute")]
    [InlineData(HttpRequestError.ConnectionError, SocketError.HostUnreachable, "NoRoute")]
    [InlineData(HttpRequestError.ConnectionError, SocketError.ConnectionRefused, "Retry")]
    [InlineData(HttpRequestError.ConnectionError, SocketError.TimedOut, "Retry")]
    public async Task An_address_that_leads_nowhere_is_told_from_one_where_nobody_answers(
        HttpRequestError error,
        SocketError socket,
        string verdict
    ) =>
        Assert.Equal(
            verdict,
            (await SendAsync(_ => throw new HttpRequestException(error, "no", new SocketException((int)socket)))).Verdict.ToString()
        );

    private static Destination To() => new("us5.datadoghq.com", Key, null, ["team:core"], "str_1", "wks_1");

    private static OutgoingEvent Event(long sequence, string body) => Event(sequence, Encoding.UTF8.GetBytes(body));

    private static OutgoingEvent Event(long sequence, byte[] body) =>
        new(sequence, "evt_1", "record.created", "committed", null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, body);

    private StreamPayload Payload() =>
        new(
            Sink(_ => new HttpResponseMessage()),
            new StreamState(Ids.New(), Ids.New(), "datadog", To(), true, new ActionFilter([]), StreamScope.Whole, 0, 0, 0, 1, null, null),
            1000
        );

    private DatadogSink Sink(Func<HttpRequestMessage, HttpResponseMessage> answer) =>
        new(new SinkClient(new Clients(answer), Options.Create(new SinkOptions()), _clock), Options.Create(new SinkOptions()));

    private Task<SinkAnswer> SendAsync(Func<HttpRequestMessage, HttpResponseMessage> answer)
    {
        var sink = Sink(answer);
        return sink.SendAsync(To(), [sink.EncodeTest(To(), "evt_1", _clock.GetUtcNow())], TestContext.Current.CancellationToken);
    }

    private sealed class Clients(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler, IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => new(this, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer(request));
    }
}
