using Grpc.Core;
using Notes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed class CallTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    private readonly TestCaller _caller = new();

    [Fact]
    public async Task A_call_without_an_assertion_is_unauthenticated() =>
        Assert.Equal("UNAUTHENTICATED", (await notes.Client.ListNotesAsync(new ListNotesRequest()).ProblemAsync()).Reason);

    [Fact]
    public async Task An_assertion_for_another_service_is_refused() =>
        Assert.Equal("UNAUTHENTICATED", (await CallWithAsync(notes.Issuer.Issue(_caller, "directory"))).Reason);

    [Fact]
    public async Task An_expired_assertion_is_refused() =>
        Assert.Equal(
            "UNAUTHENTICATED",
            (await CallWithAsync(notes.Issuer.Issue(_caller, "notes", DateTimeOffset.UtcNow.AddSeconds(-1)))).Reason
        );

    [Fact]
    public async Task An_assertion_that_another_key_signed_is_refused() =>
        Assert.Equal("UNAUTHENTICATED", (await CallWithAsync(new TestIssuer().Issue(_caller, "notes"))).Reason);

    [Fact]
    public async Task A_remembered_assertion_ends_when_it_expires()
    {
        var assertion = notes.Issuer.Issue(_caller, "notes", notes.Clock.GetUtcNow().AddSeconds(30));
        await notes.Client.ListNotesAsync(new ListNotesRequest(), With(assertion));
        notes.Clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal("UNAUTHENTICATED", (await CallWithAsync(assertion)).Reason);
    }

    [Fact]
    public async Task A_viewer_may_read_but_not_write()
    {
        var viewer = _caller with { Role = Roles.Viewer };
        await notes.Client.ListNotesAsync(new ListNotesRequest(), notes.As(viewer));
        var problem = await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "a" }, notes.As(viewer)).ProblemAsync();
        Assert.Equal("PERMISSION_DENIED", problem.Reason);
        Assert.Contains("databases.records:write", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_environment_bound_tool_needs_an_environment() =>
        Assert.Equal(
            "UNAUTHENTICATED",
            (await notes.Client.ListNotesAsync(new ListNotesRequest(), notes.As(_caller with { Environment = null })).ProblemAsync()).Reason
        );

    [Fact]
    public async Task What_is_not_a_tool_is_closed_to_members_and_open_to_the_services_it_names()
    {
        Assert.Equal("PERMISSION_DENIED", (await notes.Client.PingAsync(new ListNotesRequest(), notes.As(_caller)).ProblemAsync()).Reason);
        Assert.Equal(
            "PERMISSION_DENIED",
            (await notes.Client.PingAsync(new ListNotesRequest(), notes.As(TestCaller.AsService("data"))).ProblemAsync()).Reason
        );
        await notes.Client.PingAsync(new ListNotesRequest(), notes.As(TestCaller.AsService("edge")));
    }

    [Fact]
    public async Task All_broken_rules_come_back_at_once_with_the_names_of_their_fields()
    {
        var request = new CreateNoteRequest
        {
            Title = new string('x', 21),
            Stars = 6,
            Labels = { "ok", "NO", "more" },
        };
        var problem = await notes.Client.CreateNoteAsync(request, notes.As(_caller)).ProblemAsync();
        Assert.Equal("INVALID_ARGUMENT", problem.Reason);
        Assert.Equal(["title", "stars", "labels", "labels[1]"], problem.Violations.Select(violation => violation.Field));
        Assert.Empty(await notes.TitlesAsync(_caller));
    }

    [Fact]
    public async Task A_missing_required_field_is_named() =>
        Assert.Equal(
            "title",
            Assert.Single((await notes.Client.CreateNoteAsync(new CreateNoteRequest(), notes.As(_caller)).ProblemAsync()).Violations).Field
        );

    [Fact]
    public async Task A_character_outside_the_basic_plane_counts_once() =>
        await notes.Client.CreateNoteAsync(
            new CreateNoteRequest { Title = string.Concat(Enumerable.Repeat("😀", 20)) },
            notes.As(_caller with { Workspace = Ids.New() })
        );

    [Fact]
    public async Task What_is_unforeseen_tells_a_trace_id_and_nothing_else()
    {
        var problem = await notes
            .Client.CreateNoteAsync(new CreateNoteRequest { Title = "a", Fail = true }, notes.As(_caller))
            .ProblemAsync();
        Assert.Equal("INTERNAL", problem.Reason);
        Assert.DoesNotContain("secret detail", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_says_that_it_read()
    {
        using var call = notes.Client.ListNotesAsync(new ListNotesRequest(), notes.As(_caller));
        await call;
        Assert.Equal(Outcomes.Read, call.GetTrailers().GetValue(CallMetadata.Outcome));
    }

    private static CallOptions With(string assertion) => new(new Metadata { { "authorization", "Bearer " + assertion } });

    private Task<ProblemDetail> CallWithAsync(string assertion) =>
        notes.Client.ListNotesAsync(new ListNotesRequest(), With(assertion)).ProblemAsync();
}
