using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Audit.Tests;

/// <summary>The tools that change streams: success, repeat, no permission, other workspace, bad field, eight at once.</summary>
public sealed class ChangeStreamTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly TestCaller _caller = new();
    private readonly string _key = "canary" + Guid.NewGuid().ToString("N");

    public static TheoryData<string, string> BadUrls =>
        new()
        {
            { "siem.example/audit", "https.url" },
            { "ftp://siem.example/", "https.url" },
            { "http://siem.example/", "https.url" },
            { "https://user:secret@siem.example/", "https.url" },
            { "https://siem.example/?token=1", "https.url" },
            { "https://siem.example/#part", "https.url" },
            { "", "https.url" },
        };

    [Theory]
    [MemberData(nameof(BadUrls))]
    public async Task A_url_that_no_stream_may_have_is_named(string url, string field)
    {
        var problem = await CreateHttpsAsync(url).ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
        Assert.Empty(await ListAsync(_caller));
    }

    [Theory]
    [InlineData("https://10.0.0.1/")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://[fd00:ec2::254]/")]
    [InlineData("https://0x0a.1/")]
    public async Task An_address_inside_creates_nothing(string url)
    {
        var problem = await CreateHttpsAsync(url).ProblemAsync();
        Assert.Equal("DESTINATION_REFUSED", problem.Reason);
        Assert.Empty(await ListAsync(_caller));
    }

    [Theory]
    [InlineData("whsec_tooshort")]
    [InlineData("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    public async Task A_secret_that_is_none_is_named(string secret)
    {
        var problem = await CreateHttpsAsync(audit.Webhooks.Address, secret).ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", "https.secret"), (problem.Reason, Assert.Single(problem.Violations).Field));
    }

    [Fact]
    public async Task The_destination_is_the_one_that_the_type_names()
    {
        var request = Request();
        request.Https = new HttpsDestination { Url = audit.Webhooks.Address };
        Assert.Equal("https", await RefusedFieldAsync(request));
        request.Datadog = null;
        Assert.Equal("https", await RefusedFieldAsync(request));
        request.Https = null;
        Assert.Equal("datadog", await RefusedFieldAsync(request));
    }

    [Fact]
    public async Task Name_and_actions_change_without_a_request_to_the_destination()
    {
        var id = await CreateAsync();
        var sent = audit.Datadog.Requests.Count(request => request.Key == _key);
        var changed = await audit.Client.UpdateAuditStreamAsync(
            new UpdateAuditStreamRequest
            {
                StreamId = id,
                Name = "renamed",
                Actions = { "record.*" },
            },
            audit.As(_caller)
        );
        Assert.Equal(("renamed", "record.*"), (changed.Stream.Name, Assert.Single(changed.Stream.Actions)));
        Assert.Null(changed.Test);
        Assert.Equal(sent, audit.Datadog.Requests.Count(request => request.Key == _key));
        Assert.Empty(
            (
                await audit.Client.UpdateAuditStreamAsync(
                    new UpdateAuditStreamRequest { StreamId = id, AllActions = true },
                    audit.As(_caller)
                )
            )
                .Stream
                .Actions
        );
        Assert.Equal(
            Outcomes.Unchanged,
            await OutcomeAsync(
                audit.Client.UpdateAuditStreamAsync(new UpdateAuditStreamRequest { StreamId = id, Name = "renamed" }, audit.As(_caller))
            )
        );
        Assert.Equal(2, await CountAsync("audit_stream.updated"));
    }

    [Fact]
    public async Task A_new_key_is_tested_first_and_revives_a_stream_that_was_refused()
    {
        var id = await CreateAsync();
        audit.Datadog.Rule(_key, _ => 403);
        await audit.ConsumeAsync(AuditFixture.Event(_caller.Workspace));
        await Eventually.AsyncTrue(async () => (await ListAsync(_caller))[0].State == "invalid", () => "the refusal");
        var next = "canary" + Guid.NewGuid().ToString("N");
        var change = new UpdateAuditStreamRequest { StreamId = id, ApiKey = next };
        audit.Datadog.Rule(next, _ => 403);
        Assert.Equal("DESTINATION_REFUSED", (await audit.Client.UpdateAuditStreamAsync(change, audit.As(_caller)).ProblemAsync()).Reason);
        Assert.Equal("invalid", (await ListAsync(_caller))[0].State);
        audit.Datadog.Accept(next);
        var updated = await audit.Client.UpdateAuditStreamAsync(change, audit.As(_caller));
        Assert.Equal(("accepted", "active"), (updated.Test.Result, updated.Stream.State));
        await Eventually.True(() => audit.Datadog.Sequences(next).Count == 1, () => "the event");
        Assert.DoesNotContain(next, updated.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("name", true)]
    [InlineData("apiKey", true)]
    [InlineData("url")]
    [InlineData("secret")]
    [InlineData("rotateSecret")]
    [InlineData("allActions")]
    [InlineData("actions")]
    [InlineData("apiKey")]
    public async Task A_change_that_makes_no_sense_is_named(string field, bool empty = false)
    {
        var request = new UpdateAuditStreamRequest { StreamId = await CreateAsync() };
        switch (field)
        {
            case "url":
                request.Url = "https://siem.example/";
                break;
            case "secret":
                request.Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
                break;
            case "rotateSecret":
                request.RotateSecret = true;
                break;
            case "allActions":
                (request.AllActions, request.Name) = (true, "x");
                request.Actions.Add("record.*");
                break;
            case "actions":
                request.Actions.Add("*.created");
                break;
            case "apiKey":
                request.ApiKey = empty ? "" : "short";
                break;
            default:
                if (empty)
                {
                    request.Name = " ";
                }

                break;
        }

        var problem = await audit.Client.UpdateAuditStreamAsync(request, audit.As(_caller)).ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
        Assert.Equal(0, await CountAsync("audit_stream.updated"));
    }

    [Fact]
    public async Task A_taken_name_changes_nothing()
    {
        await CreateAsync("one");
        var id = await CreateAsync("two");
        Assert.Equal(
            "NAME_TAKEN",
            (
                await audit
                    .Client.UpdateAuditStreamAsync(new UpdateAuditStreamRequest { StreamId = id, Name = "one" }, audit.As(_caller))
                    .ProblemAsync()
            ).Reason
        );
    }

    [Fact]
    public async Task Eight_pauses_at_once_are_one_and_so_are_eight_resumptions()
    {
        var id = await CreateAsync();
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                    await audit.Client.PauseAuditStreamAsync(new PauseAuditStreamRequest { StreamId = id }, audit.As(_caller))
                )
        );
        Assert.Equal("paused", (await ListAsync(_caller))[0].State);
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                    await audit.Client.ResumeAuditStreamAsync(new ResumeAuditStreamRequest { StreamId = id }, audit.As(_caller))
                )
        );
        Assert.Equal("active", (await ListAsync(_caller))[0].State);
        Assert.Equal((1, 1), (await CountAsync("audit_stream.paused"), await CountAsync("audit_stream.resumed")));
    }

    [Fact]
    public async Task Of_eight_uses_of_one_confirmation_one_deletes()
    {
        var id = await CreateAsync();
        var request = new DeleteAuditStreamRequest { StreamId = id };
        var preview = await audit.Client.DeleteAuditStreamAsync(request, audit.As(_caller)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        Assert.Contains("to Datadog", preview.Confirmation.Preview.Utf8.ToStringUtf8(), StringComparison.Ordinal);
        Assert.Single(await ListAsync(_caller));

        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        await audit.Client.DeleteAuditStreamAsync(request, audit.As(_caller, confirmation: preview.Confirmation.Token));
                        return "deleted";
                    }
                    catch (RpcException exception)
                    {
                        return Problem.Read(exception)?.Reason;
                    }
                })
        );
        Assert.Equal(["NOT_FOUND", "deleted"], outcomes.Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(1, outcomes.Count(outcome => outcome == "deleted"));
        Assert.Empty(await ListAsync(_caller));
        Assert.Equal(1, await CountAsync("audit_stream.deleted"));
    }

    [Fact]
    public async Task A_deleted_stream_sends_nothing_more_and_its_name_is_free()
    {
        var id = await CreateAsync();
        await DeleteAsync(id);
        await audit.ConsumeAsync(AuditFixture.Event(_caller.Workspace));
        var next = await CreateAsync(start: "beginning");
        await Eventually.True(() => audit.Datadog.Sequences(_key).Count >= 1, () => "the event, to the new stream");
        Assert.All(audit.Datadog.Accepted(_key), entry => Assert.Equal(next, entry.GetProperty("streamId").GetString()));
    }

    [Fact]
    public async Task A_stream_that_changed_since_the_preview_is_not_deleted()
    {
        var id = await CreateAsync();
        var request = new DeleteAuditStreamRequest { StreamId = id };
        var preview = await audit.Client.DeleteAuditStreamAsync(request, audit.As(_caller)).ProblemAsync();
        await audit.Client.UpdateAuditStreamAsync(new UpdateAuditStreamRequest { StreamId = id, Name = "another" }, audit.As(_caller));
        Assert.Equal(
            "CONFIRMATION_STALE",
            (
                await audit
                    .Client.DeleteAuditStreamAsync(request, audit.As(_caller, confirmation: preview.Confirmation.Token))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Single(await ListAsync(_caller));
    }

    [Fact]
    public async Task Neither_another_workspace_nor_a_reader_changes_a_stream()
    {
        var id = await CreateAsync();
        foreach (
            var (caller, reason) in new[]
            {
                (_caller with { Workspace = Ids.New() }, "NOT_FOUND"),
                (_caller with { Permissions = ["audit:read"] }, "PERMISSION_DENIED"),
            }
        )
        {
            Assert.Equal(
                reason,
                (
                    await audit.Client.PauseAuditStreamAsync(new PauseAuditStreamRequest { StreamId = id }, audit.As(caller)).ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                reason,
                (
                    await audit
                        .Client.ResumeAuditStreamAsync(new ResumeAuditStreamRequest { StreamId = id }, audit.As(caller))
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                reason,
                (
                    await audit
                        .Client.DeleteAuditStreamAsync(new DeleteAuditStreamRequest { StreamId = id }, audit.As(caller))
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                reason,
                (
                    await audit
                        .Client.UpdateAuditStreamAsync(new UpdateAuditStreamRequest { StreamId = id, Name = "x" }, audit.As(caller))
                        .ProblemAsync()
                ).Reason
            );
        }

        Assert.Equal("active", (await ListAsync(_caller))[0].State);
    }

    private async Task<string> RefusedFieldAsync(CreateAuditStreamRequest request) =>
        Assert.Single((await audit.Client.CreateAuditStreamAsync(request, audit.As(_caller)).ProblemAsync()).Violations).Field;

    private CreateAuditStreamRequest Request(string name = "to Datadog", string start = "now") =>
        new()
        {
            Type = "datadog",
            Name = name,
            Start = start,
            Datadog = new DatadogDestination { Site = AuditFixture.Site, ApiKey = _key },
        };

    private async Task<string> CreateAsync(string name = "to Datadog", string start = "now")
    {
        var created = await audit.Client.CreateAuditStreamAsync(Request(name, start), audit.As(_caller));
        return created.Stream.Id;
    }

    private AsyncUnaryCall<CreateAuditStreamResponse> CreateHttpsAsync(string url, string secret = "") =>
        audit.Client.CreateAuditStreamAsync(
            new CreateAuditStreamRequest
            {
                Type = "https",
                Name = "inside",
                Https = new HttpsDestination { Url = url, Secret = secret },
            },
            audit.As(_caller)
        );

    private async Task DeleteAsync(string id)
    {
        var request = new DeleteAuditStreamRequest { StreamId = id };
        var preview = await audit.Client.DeleteAuditStreamAsync(request, audit.As(_caller)).ProblemAsync();
        await audit.Client.DeleteAuditStreamAsync(request, audit.As(_caller, confirmation: preview.Confirmation.Token));
    }

    private static async Task<string?> OutcomeAsync<T>(AsyncUnaryCall<T> call)
    {
        await call;
        return call.GetTrailers().GetValue(CallMetadata.Outcome);
    }

    private async Task<int> CountAsync(string action) =>
        (int)
            await audit.ScalarAsync<long>(
                "select count(*) from platform.outbox where workspace_id = $1 and envelope::jsonb ->> 'action' = $2",
                _caller.Workspace,
                action
            );

    private async Task<IReadOnlyList<AuditStream>> ListAsync(TestCaller caller) =>
        (await audit.Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(caller))).Streams;
}
