using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

/// <summary>The signing secrets of https streams: what people get by identity's governance API, and what nobody else gets.</summary>
public sealed class SigningSecretTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly TestCaller _agent = new();
    private readonly string _path = "/" + Guid.NewGuid().ToString("N");

    // The same member, as identity names it for the governance API.
    private TestCaller Person => PersonOf(Roles.PermissionsOf(_agent.Role));

    private TestCaller PersonOf(IReadOnlySet<string> permissions) =>
        _agent with
        {
            Service = "identity",
            Environment = null,
            Others = [TestCaller.Other(_agent.Environment!.Value, "sandbox", _agent.Role) with { Permissions = permissions }],
            Client = "platform-governance",
        };

    [Fact]
    public async Task No_tool_shows_a_secret_and_it_is_nowhere_but_sealed()
    {
        var spans = new ConcurrentBag<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
                spans.Add(
                    activity.DisplayName
                        + string.Concat(activity.TagObjects.Select(tag => $"|{tag.Key}={tag.Value}"))
                        + string.Concat(activity.Events.SelectMany(happened => happened.Tags).Select(tag => $"|{tag.Key}={tag.Value}"))
                ),
        };
        ActivitySource.AddActivityListener(listener);
        var created = await CreateAsync(idempotencyKey: "once");
        List<IMessage> answers = [created, await CreateAsync(idempotencyKey: "once")];
        var before = await RevealAsync(created.Stream.Id);
        answers.Add(
            await audit.Client.UpdateAuditStreamAsync(
                new UpdateAuditStreamRequest { StreamId = created.Stream.Id, RotateSecret = true },
                audit.As(_agent, idempotencyKey: "rotated")
            )
        );
        var after = await RevealAsync(created.Stream.Id);
        var last = (await RotateAsync(created.Stream.Id)).SigningSecret;
        answers.Add(await audit.Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(_agent)));
        answers.Add(await audit.Client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = created.Stream.Id }, audit.As(_agent)));
        await RecordedAsync(2);
        answers.Add(await SearchAsync());

        var shown = Assert.Single(((ListAuditStreamsResponse)answers[3]).Streams).Destination;
        Assert.True(shown.Secret.IsSet);
        Assert.Equal((last.SetAt, last.PreviousUntil), (shown.Secret.SetAt, shown.PreviousSecretUntil));
        Assert.Equal(3, new[] { before.Secret, after.Secret, last.Secret }.Distinct().Count());
        foreach (var secret in new[] { before.Secret, after.Secret, last.Secret }.Select(secret => secret["whsec_".Length..]))
        {
            Assert.All(answers, answer => Assert.DoesNotContain(secret, answer.ToString(), StringComparison.Ordinal));
            Assert.All(audit.Log.Lines, line => Assert.DoesNotContain(secret, line, StringComparison.Ordinal));
            Assert.All(spans, span => Assert.DoesNotContain(secret, span, StringComparison.Ordinal));
            Assert.All(audit.Events.All, published =>
                Assert.DoesNotContain(secret, JsonSerializer.Serialize(published), StringComparison.Ordinal)
            );
            foreach (var table in new[] { "audit.stream", "audit.event", "audit.arrival", "platform.outbox", "platform.idempotency" })
            {
                var inHex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret));
                Assert.Equal(
                    0L,
                    await audit.ScalarAsync<long>(
                        $"select count(*) from {table} t where t::text like '%' || $1 || '%' or t::text like '%' || $2 || '%'",
                        secret,
                        inHex
                    )
                );
            }
        }

        Assert.Contains(spans, span => span.Contains("RevealSigningSecret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reveal_is_recorded_before_it_is_answered()
    {
        var created = await CreateAsync();
        var secret = await RevealAsync(created.Stream.Id);
        Assert.Equal(
            (created.Stream.Id, "to our SIEM", audit.Webhooks.Address + _path, "", null),
            (secret.StreamId, secret.Name, secret.Url, secret.PreviousSecret, secret.PreviousUntil)
        );
        Assert.Equal(created.Stream.Destination.Secret.SetAt, secret.SetAt);
        Assert.All(audit.Webhooks.At(_path), request => Assert.True(request.IsSignedWith(secret.Secret)));
        await RecordedAsync(1);
        var found = Assert.Single((await SearchAsync()).Events);
        Assert.Equal(
            ("audit_stream_secret.read", "read", "member", Ids.Format("mbr", Person.Member!.Value), "platform-governance"),
            (found.Action, found.Outcome, found.Actor.Kind, found.Actor.Id, found.Actor.ClientId)
        );
        Assert.Equal(created.Stream.Id, Assert.Single(Assert.Single(found.Targets).Ids));
    }

    [Fact]
    public async Task A_rotation_answers_both_secrets_that_sign_and_is_on_record_without_them()
    {
        var id = (await CreateAsync()).Stream.Id;
        var before = await RevealAsync(id);
        var rotated = await RotateAsync(id);
        Assert.Equal(("accepted", before.Secret), (rotated.Test.Result, rotated.SigningSecret.PreviousSecret));
        Assert.Equal(rotated.SigningSecret, await RevealAsync(id));
        Assert.InRange(
            rotated.SigningSecret.PreviousUntil.ToDateTimeOffset() - audit.Clock.GetUtcNow(),
            TimeSpan.FromHours(23),
            TimeSpan.FromHours(24)
        );
        var tested = audit.Webhooks.At(_path).Last(request => request.Entries[0].GetProperty("kind").GetString() == "test");
        Assert.True(tested.IsSignedWith(before.Secret) && tested.IsSignedWith(rotated.SigningSecret.Secret));
        var happened = await audit.Events.WaitAsync(published =>
            published.Action == "audit_stream.updated" && published.WorkspaceId == _agent.Workspace
        );
        Assert.Equal((Ids.Format("mbr", Person.Member!.Value), "platform-governance"), (happened.Actor.Id, happened.Actor.ClientId));
        Assert.Equal(["secret"], happened.Read<AuditStreamUpdated>().Changed);
    }

    [Fact]
    public async Task A_destination_that_refuses_the_new_secret_keeps_the_old_one()
    {
        var id = (await CreateAsync()).Stream.Id;
        var before = await RevealAsync(id);
        audit.Webhooks.Status(_path, 403);
        Assert.Equal(
            "DESTINATION_REFUSED",
            (
                await audit
                    .Secrets.RotateSigningSecretAsync(new RotateSigningSecretRequest { StreamId = id }, audit.As(Person))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(before, await RevealAsync(id));
    }

    [Fact]
    public async Task Eight_rotations_at_once_are_eight_and_the_last_two_sign()
    {
        var id = (await CreateAsync()).Stream.Id;
        var rotated = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RotateAsync(id)));
        Assert.Equal(8, rotated.Select(answer => answer.SigningSecret.Secret).Distinct().Count());
        var last = await RevealAsync(id);
        Assert.Contains(rotated, answer =>
            answer.SigningSecret.Secret == last.Secret && answer.SigningSecret.PreviousSecret == last.PreviousSecret
        );
    }

    [Theory]
    [InlineData("an agent")]
    [InlineData("the edge")]
    [InlineData("identity for nobody")]
    public async Task Only_identity_gets_in_and_only_for_a_member(string who)
    {
        var id = (await CreateAsync()).Stream.Id;
        var (caller, reason) = who switch
        {
            "an agent" => (_agent, "PERMISSION_DENIED"),
            "the edge" => (_agent with { Service = "edge" }, "PERMISSION_DENIED"),
            _ => (Person with { Member = null }, "UNAUTHENTICATED"),
        };
        await AssertRefusedAsync(id, caller, reason);
    }

    [Fact]
    public async Task A_member_who_may_not_change_streams_is_refused_on_record()
    {
        var id = (await CreateAsync()).Stream.Id;
        await AssertRefusedAsync(id, PersonOf(Roles.PermissionsOf(Roles.Editor)), "PERMISSION_DENIED");
        await AssertRefusedAsync(id, PersonOf(new HashSet<string> { Scopes.AuditRead }), "PERMISSION_DENIED");
        await RecordedAsync(4);
        var events = (await SearchAsync()).Events;
        Assert.All(events, found => Assert.Equal(("refused", "PERMISSION_DENIED"), (found.Outcome, found.Reason)));
        Assert.Equal(
            ["audit_stream.update.refused", "audit_stream_secret.read.refused"],
            events.Select(found => found.Action).Distinct().Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_stream_of_another_workspace_is_not_found_and_so_is_one_that_is_none()
    {
        var id = (await CreateAsync()).Stream.Id;
        await AssertRefusedAsync(id, Person with { Workspace = Ids.New() }, "NOT_FOUND");
        await AssertRefusedAsync("str_nonsense", Person, "NOT_FOUND");
        await AssertRefusedAsync(Ids.Format("str", Ids.New()), Person, "NOT_FOUND");
    }

    [Fact]
    public async Task A_stream_to_Datadog_has_no_signing_secret()
    {
        var key = "canary" + Guid.NewGuid().ToString("N");
        var id = (
            await audit.Client.CreateAuditStreamAsync(
                new CreateAuditStreamRequest
                {
                    Type = "datadog",
                    Name = "to Datadog",
                    Datadog = new DatadogDestination { Site = AuditFixture.Site, ApiKey = key },
                },
                audit.As(_agent)
            )
        ).Stream.Id;
        await AssertRefusedAsync(id, Person, "NO_SIGNING_SECRET");
    }

    private async Task AssertRefusedAsync(string stream, TestCaller caller, string reason)
    {
        Assert.Equal(
            reason,
            (
                await audit
                    .Secrets.RevealSigningSecretAsync(new RevealSigningSecretRequest { StreamId = stream }, audit.As(caller))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            reason,
            (
                await audit
                    .Secrets.RotateSigningSecretAsync(new RotateSigningSecretRequest { StreamId = stream }, audit.As(caller))
                    .ProblemAsync()
            ).Reason
        );
    }

    private async Task<SigningSecret> RevealAsync(string stream) =>
        (
            await audit.Secrets.RevealSigningSecretAsync(new RevealSigningSecretRequest { StreamId = stream }, audit.As(Person))
        ).SigningSecret;

    private async Task<RotateSigningSecretResponse> RotateAsync(string stream) =>
        await audit.Secrets.RotateSigningSecretAsync(new RotateSigningSecretRequest { StreamId = stream }, audit.As(Person));

    private async Task<CreateAuditStreamResponse> CreateAsync(string? idempotencyKey = null) =>
        await audit.Client.CreateAuditStreamAsync(
            new CreateAuditStreamRequest
            {
                Type = "https",
                Name = "to our SIEM",
                Https = new HttpsDestination { Url = audit.Webhooks.Address + _path },
            },
            audit.As(_agent, idempotencyKey)
        );

    // Stored by the time of the answer, whether it has its sequence yet or not. What commits leaves by the bus and is not counted here.
    private async Task RecordedAsync(int count)
    {
        Assert.Equal(
            count,
            await audit.ScalarAsync<long>(
                """
                select (select count(*) from audit.arrival where workspace_id = $1)
                    + (select count(*) from audit.event where workspace_id = $1)
                """,
                _agent.Workspace
            )
        );
        await audit.LogOfAsync(_agent.Workspace, count);
    }

    private async Task<SearchAuditEventsResponse> SearchAsync() =>
        await audit.Client.SearchAuditEventsAsync(new SearchAuditEventsRequest(), audit.As(_agent));
}
