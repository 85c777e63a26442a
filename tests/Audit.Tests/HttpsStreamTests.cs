using System.Security.Cryptography;
using System.Text;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Testing;

namespace Platform.Audit.Tests;

/// <summary>Streams to an HTTPS endpoint: signatures, secrets, retries, pauses.</summary>
public sealed class HttpsStreamTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly TestCaller _caller = new();
    private readonly string _path = "/" + Guid.NewGuid().ToString("N");

    // Given, because a reveal would be one more event in the log that these tests count.
    private readonly string _secret = "whsec_" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private string Url => audit.Webhooks.Address + _path;

    // The example of the reference implementations.
    [Fact]
    public void A_signature_is_what_the_standard_says() =>
        Assert.Equal(
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            WebhookSecret.Sign(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "1614265330",
                "{\"test\": 2432232314}"u8
            )
        );

    [Fact]
    public async Task Every_event_arrives_once_in_order_signed_with_the_secret_that_was_given()
    {
        await HappenAsync(30);
        var created = await CreateAsync(start: "beginning");
        Assert.Equal(("accepted", 204, Url), (created.Test.Result, created.Test.Status, created.Stream.Destination.Url));
        await HappenAsync(10);
        await DeliveredAsync(40);
        Assert.Equal(Range(1, 40), audit.Webhooks.Sequences(_path));
        Assert.All(audit.Webhooks.At(_path), request =>
        {
            Assert.True(request.IsSignedWith(_secret), "The signature does not hold.");
            Assert.Equal(
                ("POST", "application/json", "audit.entries"),
                (request.Method, request.Type, request.Json.GetProperty("type").GetString())
            );
            Assert.StartsWith("msg_", request.Id, StringComparison.Ordinal);
            Assert.InRange(
                long.Parse(request.Timestamp, null),
                audit.Clock.GetUtcNow().AddMinutes(-5).ToUnixTimeSeconds(),
                audit.Clock.GetUtcNow().ToUnixTimeSeconds()
            );
        });

        // The receiver alone can prove that it has all, and the right bytes.
        audit.Clock.Advance(TimeSpan.FromSeconds(10));
        await Eventually.True(
            () => audit.Webhooks.Accepted(_path, "checkpoint").Any(entry => entry.GetProperty("size").GetInt64() == 40),
            () => "the checkpoint"
        );
        var leaves = audit
            .Webhooks.Accepted(_path)
            .Select(entry => Rfc6962.Leaf(Encoding.UTF8.GetBytes(entry.GetProperty("message").GetString()!)))
            .ToArray();
        Assert.Equal(Rfc6962.Root(leaves), audit.Webhooks.Accepted(_path, "checkpoint")[^1].GetProperty("root").GetBytesFromBase64());
    }

    [Fact]
    public async Task A_request_that_failed_comes_again_as_the_same_message_whatever_has_come_since()
    {
        await CreateAsync();
        audit.Webhooks.Status(_path, 500);
        await HappenAsync(3);
        await FailedAsync(1);
        await HappenAsync(4);
        audit.Webhooks.Accept(_path);
        audit.Clock.Advance(TimeSpan.FromMinutes(6));
        await DeliveredAsync(7);
        var sent = audit.Webhooks.At(_path).Where(request => request.Entries[0].GetProperty("kind").GetString() == "event").ToList();
        Assert.Equal(sent[0].Id, sent.First(request => request.IsAccepted).Id);
        Assert.Equal(sent[0].Body, sent.First(request => request.IsAccepted).Body);
        Assert.Equal(Range(1, 7), audit.Webhooks.Sequences(_path));
        var accepted = sent.Where(request => request.IsAccepted).Select(request => request.Id).ToList();
        Assert.Equal(accepted.Distinct(), accepted);
    }

    [Fact]
    public async Task After_a_rotation_both_secrets_sign_for_a_day()
    {
        var created = await CreateAsync();
        var rotated = await audit.Client.UpdateAuditStreamAsync(
            new UpdateAuditStreamRequest { StreamId = created.Stream.Id, RotateSecret = true },
            audit.As(_caller)
        );
        Assert.Equal(
            ("accepted", audit.Clock.GetUtcNow().AddHours(24)),
            (rotated.Test.Result, rotated.Stream.Destination.PreviousSecretUntil.ToDateTimeOffset()),
            new About()
        );
        await HappenAsync(1);
        await DeliveredAsync(1);
        var first = audit.Webhooks.At(_path)[^1];

        // Assertions of the tests live for a day too, so the end comes to the stream and not the clock to the end.
        await audit.ScalarAsync<Guid>(
            "update audit.stream set previous_secret_until = $2 where workspace_id = $1 returning id",
            _caller.Workspace,
            audit.Clock.GetUtcNow().UtcDateTime
        );
        await HappenAsync(1);
        await DeliveredAsync(2);
        var last = audit.Webhooks.At(_path).Last(request => request.Entries[0].GetProperty("kind").GetString() == "event");
        var secret = await SecretAsync(created.Stream.Id);
        Assert.True(first.IsSignedWith(_secret) && first.IsSignedWith(secret));
        Assert.Equal((false, true), (last.IsSignedWith(_secret), last.IsSignedWith(secret)));
        Assert.Null((await StreamAsync()).Destination.PreviousSecretUntil);
        var happened = (
            await audit.Events.WaitAsync(published =>
                published.Action == "audit_stream.updated" && published.WorkspaceId == _caller.Workspace
            )
        ).Read<AuditStreamUpdated>();
        Assert.Equal(["secret"], happened.Changed);
    }

    [Fact]
    public async Task A_pause_in_the_middle_of_a_request_loses_and_doubles_nothing()
    {
        var id = (await CreateAsync()).Stream.Id;
        var arrived = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        audit.Webhooks.Rule(_path, async (_, _) =>
        {
            arrived.TrySetResult();
            await answer.Task;
            return false;
        });
        await HappenAsync(5);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        var paused = await audit.Client.PauseAuditStreamAsync(new PauseAuditStreamRequest { StreamId = id }, audit.As(_caller));
        Assert.Equal(("paused", 0), (paused.Stream.State, paused.Stream.DeliveredThrough));
        await HappenAsync(5);
        answer.SetResult();
        await Eventually.AsyncTrue(async () => (await StreamAsync()).DeliveredThrough >= 5, () => "the request under way");
        var stopped = await StreamAsync();
        Assert.Equal(("paused", 5, 5), (stopped.State, stopped.DeliveredThrough, stopped.LagEvents));

        var resumed = await audit.Client.ResumeAuditStreamAsync(new ResumeAuditStreamRequest { StreamId = id }, audit.As(_caller));
        Assert.Equal("active", resumed.Stream.State);
        await DeliveredAsync(10);
        Assert.Equal(Range(1, 10), audit.Webhooks.Sequences(_path));
        var happened = await audit.Events.WaitAsync(published =>
            published.Action == "audit_stream.resumed" && published.WorkspaceId == _caller.Workspace
        );
        Assert.Equal(5, happened.Read<AuditStreamResumed>().AfterSequence);
    }

    [Fact]
    public async Task An_endpoint_that_is_gone_stops_the_stream_until_somebody_resumes_it()
    {
        var id = (await CreateAsync()).Stream.Id;
        audit.Webhooks.Status(_path, 410);
        await HappenAsync(2);
        await Eventually.AsyncTrue(async () => (await StreamAsync()).State == "invalid", () => "the end");
        audit.Webhooks.Accept(_path);
        await audit.Client.ResumeAuditStreamAsync(new ResumeAuditStreamRequest { StreamId = id }, audit.As(_caller));
        await DeliveredAsync(2);
        Assert.Equal([1, 2], audit.Webhooks.Sequences(_path));
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_the_health_says_what_is_wrong_and_when_it_goes_on()
    {
        await CreateAsync();
        audit.Webhooks.Rule(_path, (context, _) =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = Url + "/elsewhere";
            return Task.FromResult(true);
        });
        await HappenAsync(2);
        await FailedAsync(1);
        var stream = await StreamAsync();
        Assert.StartsWith("307", stream.LastError, StringComparison.Ordinal);
        Assert.True(stream.NextRetryAt > stream.LastErrorAt);
        Assert.Equal(2, stream.LagEvents);
        Assert.Empty(audit.Webhooks.At(_path + "/elsewhere"));
        audit.Webhooks.Accept(_path);
        audit.Clock.Advance(TimeSpan.FromMinutes(6));
        await DeliveredAsync(2);
        await Eventually.AsyncTrue(
            async () => await StreamAsync() is { State: "active", NextRetryAt: null, LastDeliveredAt: not null, LagEvents: 0 },
            () => "the stream to recover"
        );
    }

    [Fact]
    public async Task A_stream_whose_secret_cannot_be_opened_says_so_and_goes_on_with_a_new_one()
    {
        var id = (await CreateAsync()).Stream.Id;
        await audit.ScalarAsync<Guid>("update audit.stream set secret = '\\xdead' where workspace_id = $1 returning id", _caller.Workspace);
        await HappenAsync(2);
        await FailedAsync(1);
        Assert.Contains("cannot be opened", (await StreamAsync()).LastError, StringComparison.Ordinal);
        Assert.Equal(
            "SECRET_UNREADABLE",
            (await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = id }, audit.As(_caller)).ProblemAsync()).Reason
        );
        Assert.Equal(
            "SECRET_UNREADABLE",
            (
                await audit
                    .Secrets.RevealSigningSecretAsync(
                        new RevealSigningSecretRequest { StreamId = id },
                        audit.As(_caller with { Service = "identity" })
                    )
                    .ProblemAsync()
            ).Reason
        );
        await audit.Client.UpdateAuditStreamAsync(new UpdateAuditStreamRequest { StreamId = id, RotateSecret = true }, audit.As(_caller));
        await DeliveredAsync(2);
        Assert.True(audit.Webhooks.At(_path)[^1].IsSignedWith(await SecretAsync(id)));
    }

    // As after going back to a version that lacks a sink.
    [Fact]
    public async Task A_stream_of_an_unknown_type_says_so_and_waits_while_others_go_on()
    {
        var id = (await CreateAsync()).Stream.Id;
        await BecomesAsync("carrier_pigeon");
        var other = _path + "/other";
        await CreateAsync(path: other);
        await HappenAsync(2);
        await FailedAsync(1);
        await Eventually.True(() => audit.Webhooks.Sequences(other).Count == 2, () => "both events");
        var stream = (await StreamsAsync()).Single(stream => stream.Id == id);
        Assert.Contains("carrier_pigeon", stream.LastError, StringComparison.Ordinal);
        Assert.Equal(("carrier_pigeon", "error", Url), (stream.Type, stream.State, stream.Destination.Url));
        Assert.True(stream.NextRetryAt > stream.LastErrorAt);
        Assert.DoesNotContain(audit.Log.Lines, line => line.Contains("failed unexpectedly", StringComparison.Ordinal));
        Assert.Equal(
            "STREAM_TYPE_UNKNOWN",
            (await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = id }, audit.As(_caller)).ProblemAsync()).Reason
        );
        Assert.Equal(
            "paused",
            (await audit.Client.PauseAuditStreamAsync(new PauseAuditStreamRequest { StreamId = id }, audit.As(_caller))).Stream.State
        );
        await BecomesAsync("https");
        await audit.Client.ResumeAuditStreamAsync(new ResumeAuditStreamRequest { StreamId = id }, audit.As(_caller));
        await DeliveredAsync(2);

        async Task BecomesAsync(string type) =>
            await audit.ScalarAsync<Guid>(
                "update audit.stream set type = $2 where workspace_id = $1 and name = $3 returning id",
                _caller.Workspace,
                type,
                _path
            );
    }

    [Fact]
    public async Task A_stream_that_moves_is_tested_at_its_new_address_first()
    {
        var id = (await CreateAsync()).Stream.Id;
        audit.Webhooks.Status(_path + "/new", 403);
        var move = new UpdateAuditStreamRequest { StreamId = id, Url = Url + "/new" };
        Assert.Equal("DESTINATION_REFUSED", (await audit.Client.UpdateAuditStreamAsync(move, audit.As(_caller)).ProblemAsync()).Reason);
        Assert.Equal(Url, (await StreamAsync()).Destination.Url);
        audit.Webhooks.Accept(_path + "/new");
        Assert.Equal("accepted", (await audit.Client.UpdateAuditStreamAsync(move, audit.As(_caller))).Test.Result);
        await HappenAsync(2);
        await Eventually.True(() => audit.Webhooks.Sequences(_path + "/new").Count == 2, () => "both events");
        Assert.Empty(audit.Webhooks.Sequences(_path));
    }

    private async Task<string> SecretAsync(string stream) =>
        (
            await audit.Secrets.RevealSigningSecretAsync(
                new RevealSigningSecretRequest { StreamId = stream },
                audit.As(_caller with { Service = "identity" })
            )
        )
            .SigningSecret
            .Secret;

    private async Task<CreateAuditStreamResponse> CreateAsync(string start = "now", string? path = null) =>
        await audit.Client.CreateAuditStreamAsync(
            new CreateAuditStreamRequest
            {
                Type = "https",
                Name = path ?? _path,
                Https = new HttpsDestination { Url = audit.Webhooks.Address + (path ?? _path), Secret = _secret },
                Start = start,
            },
            audit.As(_caller)
        );

    private async Task<AuditStream> StreamAsync() => Assert.Single(await StreamsAsync());

    private async Task<IReadOnlyList<AuditStream>> StreamsAsync() =>
        (await audit.Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(_caller))).Streams;

    private async Task HappenAsync(int count)
    {
        var before = (int)await audit.ScalarAsync<long>("select count(*) from audit.event where workspace_id = $1", _caller.Workspace);
        await audit.ConsumeAsync([.. Enumerable.Range(0, count).Select(_ => AuditFixture.Event(_caller.Workspace))]);
        await audit.LogOfAsync(_caller.Workspace, before + count);
    }

    private Task DeliveredAsync(int count) =>
        Eventually.True(
            () => audit.Webhooks.Sequences(_path).Count >= count,
            () => $"{count} events, got {audit.Webhooks.Sequences(_path).Count}"
        );

    private Task FailedAsync(int times) =>
        Eventually.AsyncTrue(
            async () =>
                times <= await audit.ScalarAsync<int>("select max(failures) from audit.stream where workspace_id = $1", _caller.Workspace),
            () => "a failure"
        );

    private static IEnumerable<long> Range(int first, int last) => Enumerable.Range(first, last - first + 1).Select(n => (long)n);

    // The database keeps microseconds, and the call takes a while.
    private sealed class About : IEqualityComparer<(string Result, DateTimeOffset Until)>
    {
        public bool Equals((string Result, DateTimeOffset Until) x, (string Result, DateTimeOffset Until) y) =>
            x.Result == y.Result && (x.Until - y.Until).Duration() < TimeSpan.FromMinutes(1);

        public int GetHashCode((string Result, DateTimeOffset Until) it) => it.Result.GetHashCode(StringComparison.Ordinal);
    }
}
