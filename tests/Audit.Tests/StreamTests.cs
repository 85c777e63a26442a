using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

/// <summary>Delivery to a receiver that holds us to the contract, and misbehaves.</summary>
public sealed partial class StreamTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly TestCaller _caller = new();
    private readonly string _key = "canary" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Every_event_arrives_once_in_order_in_the_bytes_that_were_hashed_with_the_checkpoint_over_them()
    {
        await HappenAsync(40);
        await CreateAsync(start: "beginning");
        await HappenAsync(20);
        await DeliveredAsync(60);
        Assert.Equal(Range(1, 60), audit.Datadog.Sequences(_key));
        audit.Clock.Advance(TimeSpan.FromSeconds(10));
        await Eventually.True(
            () => audit.Datadog.Accepted(_key, "checkpoint").Any(entry => entry.GetProperty("size").GetInt64() == 60),
            () => "the checkpoint"
        );

        // The receiver alone can prove that it has all, and the right bytes.
        var leaves = audit
            .Datadog.Accepted(_key)
            .Select(entry => Rfc6962.Leaf(Encoding.UTF8.GetBytes(entry.GetProperty("message").GetString()!)))
            .ToArray();
        var checkpoint = audit.Datadog.Accepted(_key, "checkpoint")[^1];
        Assert.Equal(Rfc6962.Root(leaves), checkpoint.GetProperty("root").GetBytesFromBase64());
        using var verifier = System.Security.Cryptography.ECDsa.Create();
        verifier.ImportSubjectPublicKeyInfo(checkpoint.GetProperty("publicKey").GetBytesFromBase64(), out _);
        Assert.True(
            verifier.VerifyData(
                Encoding.UTF8.GetBytes(checkpoint.GetProperty("message").GetString()!),
                checkpoint.GetProperty("signature").GetBytesFromBase64(),
                System.Security.Cryptography.HashAlgorithmName.SHA256,
                System.Security.Cryptography.DSASignatureFormat.Rfc3279DerSequence
            )
        );

        var first = audit.Datadog.Accepted(_key)[0];
        Assert.Equal(
            ("platform-audit", "platform", "organization.created", "committed", Ids.Format("wks", _caller.Workspace)),
            (
                first.GetProperty("ddsource").GetString(),
                first.GetProperty("service").GetString(),
                first.GetProperty("action").GetString(),
                first.GetProperty("outcome").GetString(),
                first.GetProperty("workspaceId").GetString()
            )
        );
        Assert.Equal($"workspace:{Ids.Format("wks", _caller.Workspace)},team:core", first.GetProperty("ddtags").GetString());
        Assert.Empty(audit.Datadog.Violations);
    }

    [Fact]
    public async Task A_stream_that_starts_now_leaves_out_what_was_before()
    {
        await HappenAsync(5);
        var created = await CreateAsync();
        Assert.Equal((5, 0), (created.Stream.DeliveredThrough, created.Stream.LagEvents));
        await HappenAsync(3);
        await DeliveredAsync(3);
        Assert.Equal([6, 7, 8], audit.Datadog.Sequences(_key));
    }

    [Fact]
    public async Task Only_what_the_filter_names_is_sent()
    {
        await CreateAsync(actions: ["record.*", "organization.deleted"]);
        foreach (
            var action in new[]
            {
                "organization.created",
                "record.created",
                "organization.deleted",
                "organization.deleted_again",
                "record.deleted",
                "invitation.created",
            }
        )
        {
            await HappenAsync(1, action);
        }

        await Eventually.AsyncTrue(async () => (await StreamAsync()).DeliveredThrough == 6, () => "the cursor");
        Assert.Equal([2, 3, 5], audit.Datadog.Sequences(_key));
    }

    [Theory]
    [InlineData("reset before the body")]
    [InlineData("reset after the body")]
    [InlineData("answer lost after accepting")]
    [InlineData("200")]
    [InlineData("302")]
    [InlineData("408")]
    [InlineData("429")]
    [InlineData("500")]
    [InlineData("503")]
    public async Task Nothing_is_lost_and_the_order_stays_when_a_request_goes_wrong(string fault)
    {
        await CreateAsync();
        await HappenAsync(4);
        await DeliveredAsync(4);
        audit.Datadog.Once(
            _key,
            fault switch
            {
                "reset before the body" => DatadogReceiver.ResetBeforeBody,
                "reset after the body" => DatadogReceiver.ResetAfterBody,
                "answer lost after accepting" => (context, request) =>
                {
                    audit.Datadog.Take(request);
                    return DatadogReceiver.ResetAfterBody(context, request);
                },
                _ => (context, _) =>
                {
                    context.Response.StatusCode = int.Parse(fault, null);
                    context.Response.Headers.Location = "http://127.0.0.1:1/elsewhere";
                    return Task.FromResult(true);
                },
            }
        );
        await HappenAsync(4);
        await DeliveredAsync(8);
        Assert.Equal(Range(1, 8), audit.Datadog.Sequences(_key).Distinct());
        if (fault != "answer lost after accepting")
        {
            Assert.Equal(8, audit.Datadog.Sequences(_key).Count);
        }

        // What came twice came under the same id.
        Assert.Equal(8, audit.Datadog.Accepted(_key).Select(entry => entry.GetProperty("id").GetString()).Distinct().Count());
        await Eventually.AsyncTrue(
            async () => await StreamAsync() is { State: "active", DeliveredThrough: 8, LastErrorAt: not null },
            () => "the stream to recover"
        );
    }

    [Fact]
    public async Task A_destination_that_asks_for_time_gets_it()
    {
        await CreateAsync();
        audit.Datadog.Once(_key, (context, _) => Answer(context, 429, "600"));
        await HappenAsync(1);
        await Eventually.AsyncTrue(async () => (await StreamAsync()).State == "error", () => "the error");
        var wait = await audit.ScalarAsync<double>(
            "select extract(epoch from retry_at - last_error_at)::float8 from audit.stream where workspace_id = $1",
            _caller.Workspace
        );
        Assert.InRange(wait, 599, 601);
        audit.Clock.Advance(TimeSpan.FromMinutes(11));
        await DeliveredAsync(1);
    }

    [Fact]
    public async Task A_payload_that_is_too_large_is_halved_until_it_fits()
    {
        await HappenAsync(50);
        audit.Datadog.Rule(_key, request => request.Entries.Count > 3 ? 413 : null);
        await CreateAsync(start: "beginning");
        await DeliveredAsync(50);
        Assert.Equal(Range(1, 50), audit.Datadog.Sequences(_key));
        Assert.Equal(0, (await StreamAsync()).Skipped);
    }

    [Fact]
    public async Task One_event_that_is_refused_is_skipped_on_the_record_and_the_others_flow()
    {
        await HappenAsync(9);
        audit.Datadog.Rule(_key, request =>
            request.Entries.Any(entry => entry.TryGetProperty("sequence", out var sequence) && sequence.GetInt64() == 5) ? 400 : null
        );
        var stream = (await CreateAsync(start: "beginning")).Stream;
        await DeliveredAsync(8);
        Assert.Equal([1, 2, 3, 4, 6, 7, 8, 9], audit.Datadog.Sequences(_key));
        var skipped = (
            await audit.Events.WaitAsync(published =>
                published.Action == "audit_stream.skipped" && published.WorkspaceId == _caller.Workspace
            )
        ).Read<AuditEventsSkipped>();
        Assert.Equal(
            (stream.Id, "not_accepted", 5L, 5L, 1L),
            (skipped.StreamId, skipped.Reason, skipped.FirstSequence, skipped.LastSequence, skipped.Count)
        );
        Assert.Equal((1, 9), ((await StreamAsync()).Skipped, (await StreamAsync()).DeliveredThrough));
    }

    [Fact]
    public async Task A_destination_that_refuses_everything_gets_nothing_skipped()
    {
        await CreateAsync();
        audit.Datadog.Rule(_key, _ => 400);
        await HappenAsync(3);
        await Eventually.AsyncTrue(async () => (await StreamAsync()).State == "error", () => "the error");
        var stream = await StreamAsync();
        Assert.Equal((0, 0, 3), (stream.Skipped, stream.DeliveredThrough, stream.LagEvents));
        audit.Datadog.Accept(_key);
        audit.Clock.Advance(TimeSpan.FromMinutes(6));
        await DeliveredAsync(3);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_refused_key_stops_the_stream_until_a_test_is_accepted(int status)
    {
        var id = (await CreateAsync()).Stream.Id;
        audit.Datadog.Rule(_key, _ => status);
        await HappenAsync(3);
        var stopped = (
            await audit.Events.WaitAsync(published =>
                published.Action == "audit_stream.invalidated" && published.WorkspaceId == _caller.Workspace
            )
        ).Read<AuditStreamInvalidated>();
        Assert.Equal((id, status, 0L), (stopped.StreamId, stopped.Status, stopped.AfterSequence));
        var stream = await StreamAsync();
        Assert.Equal("invalid", stream.State);
        Assert.StartsWith($"{status} ", stream.LastError, StringComparison.Ordinal);
        Assert.DoesNotContain(_key, stream.LastError, StringComparison.Ordinal);

        var sent = audit.Datadog.Requests.Count(request => request.Key == _key);
        audit.Clock.Advance(TimeSpan.FromHours(1));
        await HappenAsync(1);
        Assert.Equal(sent, audit.Datadog.Requests.Count(request => request.Key == _key));
        Assert.Equal(
            "refused",
            (await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = id }, audit.As(_caller))).Test.Result
        );

        audit.Datadog.Accept(_key);
        var tested = await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = id }, audit.As(_caller));
        Assert.Equal(("accepted", "active"), (tested.Test.Result, tested.Stream.State));
        await DeliveredAsync(4);
        Assert.Equal([1, 2, 3, 4], audit.Datadog.Sequences(_key));
    }

    [Fact]
    public async Task Events_outside_the_destinations_window_are_skipped_on_the_record()
    {
        await HappenAsync(4, occurredAt: audit.Clock.GetUtcNow().AddHours(-20));
        await HappenAsync(2);
        await HappenAsync(1, occurredAt: audit.Clock.GetUtcNow().AddHours(-19));
        await HappenAsync(1);
        await CreateAsync(start: "beginning");
        await DeliveredAsync(3);
        Assert.Equal([5, 6, 8], audit.Datadog.Sequences(_key));
        await Eventually.AsyncTrue(async () => (await StreamAsync()).Skipped == 5, () => "the skips");
        await audit.Events.WaitAsync(published =>
            published.Action == "audit_stream.skipped"
            && published.WorkspaceId == _caller.Workspace
            && published.Read<AuditEventsSkipped>().LastSequence == 7
        );
        var skips = audit
            .Events.All.Where(published => published.Action == "audit_stream.skipped" && published.WorkspaceId == _caller.Workspace)
            .Select(published => published.Read<AuditEventsSkipped>())
            .Select(skip => (skip.Reason, skip.FirstSequence, skip.LastSequence, skip.Count));
        Assert.Equal([("too_old", 1L, 4L, 4L), ("too_old", 7L, 7L, 1L)], skips);
    }

    [Fact]
    public async Task A_payload_never_has_more_than_a_thousand_entries_or_five_megabytes()
    {
        await HappenAsync(1001);
        await HappenAsync(24, details: new { text = new string('"', 200_000) });
        await CreateAsync(start: "beginning");
        await DeliveredAsync(1025);
        Assert.Equal(Range(1, 1025), audit.Datadog.Sequences(_key));
        Assert.Equal(1000, audit.Datadog.Requests.Where(request => request.Key == _key).Max(request => request.Entries.Count));
        Assert.InRange(audit.Datadog.Requests.Where(request => request.Key == _key).Max(request => request.Bytes), 3_000_000, 5_000_000);
        Assert.Empty(audit.Datadog.Violations);
    }

    // It can hold what was sent, about people, and the log belongs to no workspace.
    [Fact]
    public async Task What_a_destination_answers_is_told_to_its_workspace_and_not_to_the_log()
    {
        var stream = (await CreateAsync()).Stream.Id;
        audit.Datadog.Once(_key, (context, _) => Answer(context, 500, "1", "echo: ada@example.com"));
        await HappenAsync(1);
        await Eventually.AsyncTrue(async () => (await StreamAsync()).LastError.Contains("ada@", StringComparison.Ordinal));
        await Eventually.True(() => audit.Log.Lines.Any(line => line.Contains(stream, StringComparison.Ordinal)), () => "the warning");
        Assert.DoesNotContain(audit.Log.Lines, line => line.Contains("ada@example.com", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_key_is_nowhere_but_sealed()
    {
        var created = await CreateAsync();
        audit.Datadog.Rule(_key, _ => 500);
        await HappenAsync(2);
        await Eventually.AsyncTrue(async () => (await StreamAsync()).LastError.Length > 0, () => "an error");
        audit.Datadog.Rule(_key, _ => 403);
        audit.Clock.Advance(TimeSpan.FromMinutes(6));
        await Eventually.AsyncTrue(async () => (await StreamAsync()).State == "invalid", () => "the refusal");
        var tested = await audit.Client.TestAuditStreamAsync(
            new TestAuditStreamRequest { StreamId = created.Stream.Id },
            audit.As(_caller)
        );
        Assert.Contains(audit.Datadog.Requests, request => request.Key == _key);

        Assert.All([created.ToString(), (await StreamAsync()).ToString(), tested.ToString()], answer =>
            Assert.DoesNotContain(_key, answer, StringComparison.Ordinal)
        );
        Assert.True(created.Stream.Destination.ApiKey.IsSet);
        Assert.All(audit.Log.Lines, line => Assert.DoesNotContain(_key, line, StringComparison.Ordinal));
        Assert.All(audit.Events.All, published =>
            Assert.DoesNotContain(_key, JsonSerializer.Serialize(published), StringComparison.Ordinal)
        );
        foreach (var table in new[] { "audit.stream", "audit.event", "audit.arrival", "platform.outbox", "platform.idempotency" })
        {
            var inHex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(_key));
            Assert.Equal(
                0L,
                await audit.ScalarAsync<long>(
                    $"select count(*) from {table} t where t::text like '%' || $1 || '%' or t::text like '%' || $2 || '%'",
                    _key,
                    inHex
                )
            );
        }
    }

    private static async Task<bool> Answer(HttpContext context, int status, string retryAfter, string body = "")
    {
        context.Response.StatusCode = status;
        context.Response.Headers.RetryAfter = retryAfter;
        await context.Response.WriteAsync(body);
        return true;
    }

    private static IEnumerable<long> Range(int first, int last) => Enumerable.Range(first, last - first + 1).Select(n => (long)n);

    private async Task<CreateAuditStreamResponse> CreateAsync(string start = "now", params string[] actions) =>
        await audit.Client.CreateAuditStreamAsync(
            new CreateAuditStreamRequest
            {
                Type = "datadog",
                Name = "to Datadog",
                Datadog = new DatadogDestination
                {
                    Site = AuditFixture.Site,
                    ApiKey = _key,
                    Tags = { "team:core" },
                },
                Start = start,
                Actions = { actions },
            },
            audit.As(_caller)
        );

    private async Task<AuditStream> StreamAsync() =>
        Assert.Single((await audit.Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(_caller))).Streams);

    private async Task HappenAsync(
        int count,
        string action = "organization.created",
        DateTimeOffset? occurredAt = null,
        object? details = null,
        bool redelivers = false
    )
    {
        var before = (int)await audit.ScalarAsync<long>("select count(*) from audit.event where workspace_id = $1", _caller.Workspace);
        var events = Enumerable
            .Range(0, count)
            .Select(_ => AuditFixture.Event(_caller.Workspace, action, occurredAt: occurredAt ?? audit.Clock.GetUtcNow(), details: details))
            .ToList();
        for (var consumed = false; !consumed; )
        {
            try
            {
                await audit.ConsumeAsync(events);
                consumed = true;
            }
            catch (NpgsqlException) when (redelivers)
            {
                // As the bus does, the same batch again.
            }
        }

        await audit.LogOfAsync(_caller.Workspace, before + count);
    }

    private Task DeliveredAsync(int count) =>
        Eventually.True(
            () => audit.Datadog.Sequences(_key).Distinct().Count() >= count,
            () => $"{count} events, got {audit.Datadog.Sequences(_key).Distinct().Count()}"
        );
}
