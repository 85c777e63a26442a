using System.Net;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Callers;
using Platform.Testing;

namespace Platform.Identity.Tests;

/// <summary>What identity does while directory gives no answer.</summary>
public sealed class DirectoryAwayTests : IClassFixture<IdentityFixture>, IDisposable
{
    private readonly IdentityFixture _identity;
    private readonly KnownMemberships _known;

    public DirectoryAwayTests(IdentityFixture identity)
    {
        (_identity, _known) = (identity, identity.Get<KnownMemberships>());
        _known.Began();
    }

    private FakeDirectory Directory => _identity.Directory;

    public void Dispose() => (Directory.IsAway, Directory.Hangs) = (false, false);

    [Fact]
    public async Task Callers_go_on_as_the_members_that_they_were_and_the_answer_says_so()
    {
        var member = Directory.Add(Roles.Admin, Roles.Viewer, subject: "at work");
        var before = await ResolveAsync("at work");
        GoAway();
        var meanwhile = await ResolveAsync("at work");

        Assert.Null(before.Caller.MembershipAsOf);
        Assert.Equal(Refusal.Unspecified, meanwhile.Refusal);
        Assert.Equal((member.WorkspaceId, member.MemberId), (meanwhile.Caller.WorkspaceId, meanwhile.Caller.MemberId));
        Assert.NotNull(meanwhile.Caller.MembershipAsOf);

        Directory.IsAway = false;
        await Eventually.AsyncTrue(async () => (await ResolveAsync("at work")).Caller.MembershipAsOf is null);
    }

    [Fact]
    public async Task A_directory_that_hangs_is_away_after_a_second()
    {
        Directory.Add(Roles.Viewer, subject: "patient");
        await ResolveAsync("patient");
        Complete();
        Directory.Hangs = true;

        Assert.NotNull((await ResolveAsync("patient")).Caller.MembershipAsOf);
    }

    [Fact]
    public async Task Nobody_administers_on_what_is_only_remembered()
    {
        Directory.Add(Roles.Admin, subject: "admin");
        string[] administrative = ["audit:write", "workspace:write"];
        Assert.Equal(administrative, (await ResolveAsync("admin")).Caller.Permissions.Intersect(administrative));
        GoAway();
        var meanwhile = (await ResolveAsync("admin")).Caller;

        Assert.Empty(meanwhile.Permissions.Intersect(administrative));
        Assert.Contains("databases.records:write", meanwhile.Permissions);
        Assert.Equal(administrative, meanwhile.RolePermissions.Intersect(administrative).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_governance_API_answers_503_and_the_fix()
    {
        var member = Directory.Add(Roles.Owner);
        using var person = _identity.GovernanceOf(member);
        var path = new Uri($"workspaces/{member.WorkspaceId}/mcp-settings", UriKind.Relative);
        using (var before = await person.GetAsync(path, Cancellation))
        {
            Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        }

        GoAway();
        using var meanwhile = await person.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, meanwhile.StatusCode);
        var problem = await meanwhile.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains("The directory service cannot be reached at the moment.", problem, StringComparison.Ordinal);
        Assert.Contains("Try again in a few seconds.", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_who_was_not_here_before_gets_UNAVAILABLE_and_the_fix()
    {
        Directory.Add(Roles.Viewer, subject: "new");
        GoAway();
        var failure = await FailureAsync("new");

        Assert.Equal(("UNAVAILABLE", "Try again in a few seconds."), (failure.Reason, failure.Fix));
        Assert.Equal("The directory service cannot be reached at the moment.", failure.Message);
    }

    [Theory]
    [InlineData("member", true)]
    [InlineData("workspace", true)]
    [InlineData("environment", true)]
    [InlineData("something new", true)]
    [InlineData("organization", false)]
    [InlineData("member_invitation", false)]
    public async Task A_membership_that_an_event_has_touched_is_not_recalled(string kind, bool isDropped)
    {
        var subject = $"touched by {kind}";
        var member = Directory.Add(Roles.Viewer, subject: subject);
        await ResolveAsync(subject);
        _known.Saw(Changed(member, kind));
        GoAway();

        Assert.Equal(isDropped, await IsRefusedAsync(subject));
    }

    [Fact]
    public async Task Events_of_another_member_and_of_another_service_change_nothing()
    {
        var member = Directory.Add(Roles.Viewer, subject: "untouched");
        await ResolveAsync("untouched");
        _known.Saw(Changed(Directory.Add(Roles.Viewer, workspace: member.WorkspaceId), "member"));
        _known.Saw(Changed(member, "member") with { Source = "audit" });
        GoAway();

        Assert.False(await IsRefusedAsync("untouched"));
    }

    [Fact]
    public void An_answer_that_was_asked_for_before_a_change_is_not_kept_after_it()
    {
        var member = Directory.Add(Roles.Owner, subject: "overtaken");
        var question = new ResolveMemberRequest { Subject = "overtaken" };
        Complete();
        var asked = _known.Ask();
        _known.Saw(Changed(member, "member"));
        _known.Keep(question, Answer(member), asked);
        Assert.Null(_known.Recall(question));

        _known.Keep(question, Answer(member), _known.Ask());
        Assert.NotNull(_known.Recall(question));
    }

    [Fact]
    public async Task What_was_kept_before_the_feed_was_interrupted_is_not_recalled()
    {
        Directory.Add(Roles.Viewer, subject: "interrupted");
        await ResolveAsync("interrupted");
        _known.Interrupted();
        Directory.IsAway = true;
        Assert.True(await IsRefusedAsync("interrupted"));

        _known.Began();
        Complete();
        Assert.True(await IsRefusedAsync("interrupted"));
    }

    [Fact]
    public async Task A_feed_that_was_behind_when_directory_last_answered_is_not_relied_on()
    {
        Directory.Add(Roles.Viewer, subject: "behind");
        _known.Began();
        _known.Saw(new OutboxProgress("directory", TimeProvider.System.GetUtcNow().AddSeconds(-10)));
        await ResolveAsync("behind");
        Directory.IsAway = true;
        Assert.True(await IsRefusedAsync("behind"));

        Complete();
        Assert.False(await IsRefusedAsync("behind"));
    }

    [Fact]
    public async Task A_workspace_that_was_joined_since_is_not_denied()
    {
        Directory.Add(Roles.Viewer, subject: "joining");
        await ResolveAsync("joining");
        GoAway();
        var failure = await _identity
            .Callers.ResolveCallerAsync(
                new ResolveCallerRequest
                {
                    AccessToken = _identity.Forge.Sign("joining", _identity.Now),
                    Workspace = Ids.Format("wks", Ids.New()),
                },
                _identity.AsTheEdge()
            )
            .ProblemAsync();

        Assert.Equal("UNAVAILABLE", failure.Reason);
    }

    [Fact]
    public void Memberships_are_known_for_a_limited_time()
    {
        var known = new KnownMemberships(Options.Create(new MemberOptions { LastKnownFor = TimeSpan.Zero }), TimeProvider.System);
        known.Began();
        known.Saw(new OutboxProgress("directory", TimeProvider.System.GetUtcNow()));
        var question = new ResolveMemberRequest { Subject = "late" };
        known.Keep(question, Answer(Directory.Add(Roles.Viewer)), known.Ask());

        Assert.Null(known.Recall(question));
    }

    [Fact]
    public async Task Whoami_answers_what_is_known_and_says_so_or_UNAVAILABLE()
    {
        var known = Directory.Add(Roles.Editor);
        var unknown = Directory.Add(Roles.Editor);
        Assert.Null((await WhoamiAsync(known)).MembershipAsOf);
        GoAway();

        var answer = await WhoamiAsync(known);
        Assert.Equal(known.MemberId, answer.Member.Id);
        Assert.NotNull(answer.MembershipAsOf);
        var failure = await Client.WhoamiAsync(new WhoamiRequest(), AsMember(unknown)).ProblemAsync();
        Assert.Equal("UNAVAILABLE: The directory service cannot be reached at the moment.", $"{failure.Reason}: {failure.Message}");
    }

    private Workspace.WorkspaceClient Client => new(_identity.Channel);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private async Task<WhoamiResponse> WhoamiAsync(Membership member) => await Client.WhoamiAsync(new WhoamiRequest(), AsMember(member));

    private CallOptions AsMember(Membership member) =>
        _identity.As(new TestCaller { Workspace = Parse("wks", member.WorkspaceId), Member = Parse("mbr", member.MemberId) });

    private async Task<ResolveCallerResponse> ResolveAsync(string subject) =>
        await _identity.ResolveAsync(
            _identity.Forge.Sign(subject, _identity.Now, scope: string.Join(' ', Scopes.All)),
            audiences: ["identity", "data"]
        );

    private async Task<ProblemDetail> FailureAsync(string subject) =>
        await _identity
            .Callers.ResolveCallerAsync(
                new ResolveCallerRequest { AccessToken = _identity.Forge.Sign(subject, _identity.Now) },
                _identity.AsTheEdge()
            )
            .ProblemAsync();

    private async Task<bool> IsRefusedAsync(string subject)
    {
        try
        {
            Assert.Equal(Refusal.Unspecified, (await ResolveAsync(subject)).Refusal);
            return false;
        }
        catch (RpcException exception)
        {
            Assert.Equal(StatusCode.Unavailable, exception.StatusCode);
            return true;
        }
    }

    private void GoAway()
    {
        Complete();
        Directory.IsAway = true;
    }

    // The relay has sent everything.
    private void Complete() => _known.Saw(new OutboxProgress("directory", TimeProvider.System.GetUtcNow()));

    private static Guid Parse(string prefix, string text) => Ids.TryParse(prefix, text, out var id) ? id : throw new FormatException(text);

    private static ResolveMemberResponse Answer(Membership member) => new() { Memberships = { member } };

    private static EventBatch Changed(Membership member, string kind) =>
        new(
            "directory",
            [
                new EventEnvelope(
                    Ids.New(),
                    Parse("wks", member.WorkspaceId),
                    null,
                    DateTimeOffset.UnixEpoch,
                    "directory",
                    "SomethingHappened",
                    "something.happened",
                    new Actor("service", "directory", null, null, null),
                    new CallInfo("", "", null, null, [], null),
                    [new Target(kind, kind == "member" ? member.MemberId : "id")],
                    JsonDocument.Parse("{}").RootElement
                ),
            ]
        );
}
