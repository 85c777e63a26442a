using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Audit.Tests;

/// <summary>
/// Who may read which events and do what with which streams. The table names the caller's role in the sandbox and in production (a dash:
/// none), whether MCP may reach production, what is done, and where.
/// </summary>
public sealed class AuditRightsTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private const string Key = "canary of the rights";
    private const string Allowed = "allowed";
    private const string Hidden = "hidden";
    private const string Denied = "PERMISSION_DENIED";
    private const string Closed = "PRODUCTION_NOT_ALLOWED";
    private const string Unknown = "INVALID_ARGUMENT";
    private const string NotFound = "NOT_FOUND";

    private readonly Guid _workspace = Ids.New();
    private readonly Guid _sandbox = Ids.New();
    private readonly Guid _production = Ids.New();

    private TestCaller Owner => Caller("owner", "owner", isOpen: true);

    // Reading an event of the sandbox, of production, and of the workspace as a whole.
    [Theory]
    [InlineData("admin ", "-     ", "closed", Allowed, Hidden, Hidden)]
    [InlineData("admin ", "-     ", "open  ", Allowed, Hidden, Hidden)]
    [InlineData("admin ", "viewer", "open  ", Allowed, Hidden, Hidden)]
    [InlineData("admin ", "editor", "open  ", Allowed, Hidden, Hidden)]
    [InlineData("admin ", "admin ", "closed", Allowed, Hidden, Allowed)]
    [InlineData("admin ", "admin ", "open  ", Allowed, Allowed, Allowed)]
    [InlineData("owner ", "owner ", "closed", Allowed, Hidden, Allowed)]
    [InlineData("owner ", "owner ", "open  ", Allowed, Allowed, Allowed)]
    public async Task Events_are_read_where_the_log_may_be_read(
        string inSandbox,
        string inProduction,
        string production,
        string ofSandbox,
        string ofProduction,
        string ofWorkspace
    )
    {
        var caller = Caller(inSandbox, inProduction, production.Trim() == "open");
        var events = new Guid?[] { _sandbox, _production, null }
            .Select(environment => AuditFixture.Event(_workspace) with { EnvironmentId = environment })
            .ToList();
        await audit.ConsumeAsync(events);
        await audit.LogOfAsync(_workspace, 3);
        var found = (await audit.Client.SearchAuditEventsAsync(new SearchAuditEventsRequest(), audit.As(caller))).Events;
        foreach (var (happened, expected) in events.Zip([ofSandbox, ofProduction, ofWorkspace]))
        {
            var id = Ids.Format("evt", happened.EventId);
            Assert.Equal(expected == Allowed, found.Any(one => one.Id == id));
            Assert.Equal(
                expected == Allowed ? null : NotFound,
                await ReasonAsync(caller, (client, options) =>
                    client.GetAuditEventAsync(new GetAuditEventRequest { EventId = id }, options)
                )
            );
        }
    }

    // Making a stream that carries the sandbox, production, the workspace's own events with the sandbox, or everything.
    [Theory]
    [InlineData("editor", "owner ", "open  ", Denied, Denied, Denied, Denied)]
    [InlineData("admin ", "-     ", "closed", Allowed, Unknown, Denied, Denied)]
    [InlineData("admin ", "-     ", "open  ", Allowed, Unknown, Denied, Denied)]
    [InlineData("admin ", "editor", "closed", Allowed, Closed, Denied, Closed)]
    [InlineData("admin ", "editor", "open  ", Allowed, Denied, Denied, Denied)]
    [InlineData("admin ", "admin ", "closed", Allowed, Closed, Allowed, Closed)]
    [InlineData("admin ", "admin ", "open  ", Allowed, Allowed, Allowed, Allowed)]
    public async Task Streams_are_made_of_what_their_maker_may_stream(
        string inSandbox,
        string inProduction,
        string production,
        string ofSandbox,
        string ofProduction,
        string ofSandboxAndWorkspace,
        string ofAll
    )
    {
        var caller = Caller(inSandbox, inProduction, production.Trim() == "open");
        foreach (
            var (name, environments, workspaceEvents, expected) in new (string, Guid[], bool, string)[]
            {
                ("sandbox", [_sandbox], false, ofSandbox),
                ("production", [_production], false, ofProduction),
                ("sandbox and workspace", [_sandbox], true, ofSandboxAndWorkspace),
                ("all", [], false, ofAll),
            }
        )
        {
            Assert.Equal(
                (name, expected == Allowed ? null : expected),
                (
                    name,
                    await ReasonAsync(caller, (client, options) =>
                        client.CreateAuditStreamAsync(Request(name, environments, workspaceEvents), options)
                    )
                )
            );
        }

        var listed = await audit.Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(Owner));
        Assert.Equal(
            new[] { ofSandbox, ofProduction, ofSandboxAndWorkspace, ofAll }.Count(expected => expected == Allowed),
            listed.Streams.Count
        );
    }

    // What is done with a stream of the sandbox, of production, and of everything. Who may not read what it carries does not see it.
    [Theory]
    [InlineData("admin ", "-     ", "open  ", Allowed, Denied, Denied)]
    [InlineData("admin ", "editor", "open  ", Allowed, Denied, Denied)]
    [InlineData("admin ", "editor", "closed", Allowed, Closed, Closed)]
    [InlineData("admin ", "admin ", "closed", Allowed, Closed, Closed)]
    [InlineData("admin ", "admin ", "open  ", Allowed, Allowed, Allowed)]
    public async Task Whatever_is_done_with_a_stream_needs_the_rights_for_all_that_it_carries(
        string inSandbox,
        string inProduction,
        string production,
        string ofSandbox,
        string ofProduction,
        string ofAll
    )
    {
        var caller = Caller(inSandbox, inProduction, production.Trim() == "open");
        foreach (
            var (name, environments, expected) in new (string, Guid[], string)[]
            {
                ("sandbox", [_sandbox], ofSandbox),
                ("production", [_production], ofProduction),
                ("all", [], ofAll),
            }
        )
        {
            var id = (await audit.Client.CreateAuditStreamAsync(Request(name, environments, false), audit.As(Owner))).Stream.Id;
            var reason = expected == Allowed ? null : expected;
            var listed = await audit.Client.ListAuditStreamsAsync(new ListAuditStreamsRequest(), audit.As(caller));
            Assert.Equal(expected == Allowed, listed.Streams.Any(stream => stream.Id == id));
            foreach (
                var act in new Func<AuditTrail.AuditTrailClient, CallOptions, Task>[]
                {
                    (client, options) =>
                        client
                            .UpdateAuditStreamAsync(new UpdateAuditStreamRequest { StreamId = id, Name = name + "!" }, options)
                            .ResponseAsync,
                    (client, options) => client.PauseAuditStreamAsync(new PauseAuditStreamRequest { StreamId = id }, options).ResponseAsync,
                    (client, options) =>
                        client.ResumeAuditStreamAsync(new ResumeAuditStreamRequest { StreamId = id }, options).ResponseAsync,
                    (client, options) => client.TestAuditStreamAsync(new TestAuditStreamRequest { StreamId = id }, options).ResponseAsync,
                }
            )
            {
                Assert.Equal(reason, await ReasonAsync(caller, act));
            }

            Assert.Equal(
                reason ?? "CONFIRMATION_REQUIRED",
                await ReasonAsync(caller, (client, options) =>
                    client.DeleteAuditStreamAsync(new DeleteAuditStreamRequest { StreamId = id }, options).ResponseAsync
                )
            );
        }
    }

    // In person: the governance API asks for the secret, and the production switch is about MCP alone.
    [Theory]
    [InlineData("admin ", "-     ", NotFound, Denied, Denied)]
    [InlineData("admin ", "editor", NotFound, Denied, Denied)]
    [InlineData("editor", "admin ", NotFound, Denied, Denied)]
    [InlineData("admin ", "admin ", NotFound, Allowed, Allowed)]
    [InlineData("editor", "viewer", Denied, Denied, Denied)]
    public async Task The_secret_of_a_stream_is_for_those_who_manage_all_that_it_carries(
        string inSandbox,
        string inProduction,
        string ofNone,
        string ofAll,
        string rotated
    )
    {
        var request = new CreateAuditStreamRequest
        {
            Type = "https",
            Name = "to our SIEM",
            Https = new HttpsDestination { Url = audit.Webhooks.Address + "/" + Guid.NewGuid().ToString("N") },
        };
        var id = (await audit.Client.CreateAuditStreamAsync(request, audit.As(Owner))).Stream.Id;
        var caller = Caller(inSandbox, inProduction, isOpen: true) with { Service = "identity" };
        var reveal = new RevealSigningSecretRequest { StreamId = Ids.Format("str", Ids.New()) };
        Assert.Equal(ofNone, await ReasonAsync(() => audit.Secrets.RevealSigningSecretAsync(reveal, audit.As(caller)).ResponseAsync));
        reveal.StreamId = id;
        Assert.Equal(
            ofAll == Allowed ? null : ofAll,
            await ReasonAsync(() => audit.Secrets.RevealSigningSecretAsync(reveal, audit.As(caller)).ResponseAsync)
        );
        var rotate = new RotateSigningSecretRequest { StreamId = id };
        Assert.Equal(
            rotated == Allowed ? null : rotated,
            await ReasonAsync(() => audit.Secrets.RotateSigningSecretAsync(rotate, audit.As(caller)).ResponseAsync)
        );
    }

    [Fact]
    public async Task A_stream_sends_only_what_it_carries()
    {
        var events = new Guid?[] { _production, _sandbox, null }
            .Select(environment => AuditFixture.Event(_workspace) with { EnvironmentId = environment })
            .ToList();
        await audit.ConsumeAsync(events);
        await audit.LogOfAsync(_workspace, 3);
        var path = "/" + Guid.NewGuid().ToString("N");
        foreach (var (name, environments, workspaceEvents) in new[] { ("s", new[] { _sandbox }, false), ("w", [_sandbox], true) })
        {
            var request = new CreateAuditStreamRequest
            {
                Type = "https",
                Name = name,
                Https = new HttpsDestination { Url = audit.Webhooks.Address + path + name },
                Start = "beginning",
                EnvironmentIds = { environments.Select(environment => Ids.Format("env", environment)) },
                WorkspaceEvents = workspaceEvents,
            };
            var stream = (await audit.Client.CreateAuditStreamAsync(request, audit.As(Owner))).Stream;
            Assert.Equal(
                (false, Ids.Format("env", _sandbox), workspaceEvents),
                (stream.AllEnvironments, Assert.Single(stream.EnvironmentIds), stream.WorkspaceEvents)
            );
            await Eventually.AsyncTrue(
                async () =>
                    await audit.ScalarAsync<long>(
                        "select delivered_through from audit.stream where workspace_id = $1 and name = $2",
                        _workspace,
                        name
                    ) >= 3,
                () => "the stream has gone past all events"
            );
            var sent = audit
                .Webhooks.At(path + name)
                .SelectMany(post => post.Entries)
                .Where(entry => entry.GetProperty("kind").GetString() == "event")
                .Select(entry => entry.GetProperty("id").GetString())
                .Where(id => events.Any(happened => Ids.Format("evt", happened.EventId) == id));
            Assert.Equal(events.Skip(1).Take(workspaceEvents ? 2 : 1).Select(happened => Ids.Format("evt", happened.EventId)), sent);
        }
    }

    [Fact]
    public async Task A_refused_stream_of_everything_names_what_can_be_streamed()
    {
        var problem = await audit
            .Client.CreateAuditStreamAsync(Request("all", [], false), audit.As(Caller("admin", "admin", isOpen: false)))
            .ProblemAsync();
        Assert.Equal(Closed, problem.Reason);
        Assert.Contains(Ids.Format("env", _sandbox), problem.Fix, StringComparison.Ordinal);
        Assert.DoesNotContain(Ids.Format("env", _production), problem.Fix + problem.Message, StringComparison.Ordinal);
    }

    private TestCaller Caller(string inSandbox, string inProduction, bool isOpen) =>
        new()
        {
            Workspace = _workspace,
            Environment = _sandbox,
            Role = inSandbox.Trim(),
            Others = [TestCaller.Other(_production, "production", inProduction.Trim(' ', '-'), isOpen)],
        };

    private static CreateAuditStreamRequest Request(string name, Guid[] environments, bool workspaceEvents) =>
        new()
        {
            Type = "datadog",
            Name = name,
            Datadog = new DatadogDestination { Site = AuditFixture.Site, ApiKey = Key.Replace(' ', '-') },
            EnvironmentIds = { environments.Select(environment => Ids.Format("env", environment)) },
            WorkspaceEvents = workspaceEvents,
        };

    private Task<string?> ReasonAsync<T>(TestCaller caller, Func<AuditTrail.AuditTrailClient, CallOptions, AsyncUnaryCall<T>> act) =>
        ReasonAsync(caller, (client, options) => act(client, options).ResponseAsync);

    private Task<string?> ReasonAsync(TestCaller caller, Func<AuditTrail.AuditTrailClient, CallOptions, Task> act) =>
        ReasonAsync(() => act(audit.Client, audit.As(caller)));

    private static async Task<string?> ReasonAsync(Func<Task> act)
    {
        try
        {
            await act();
            return null;
        }
        catch (RpcException exception) when (Problem.Read(exception) is { } problem)
        {
            return problem.Reason;
        }
    }
}
