using Notes.Contracts;
using Notes.Contracts.V1;
using Npgsql;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed class UnitOfWorkTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    private readonly TestCaller _caller = new();

    [Fact]
    public async Task Another_workspace_and_another_environment_see_nothing()
    {
        await CreateAsync("mine");
        Assert.Equal(["mine"], await notes.TitlesAsync(_caller));
        Assert.Empty(await notes.TitlesAsync(_caller with { Workspace = Ids.New() }));
        Assert.Empty(await notes.TitlesAsync(_caller with { Environment = Ids.New() }));
    }

    [Fact]
    public async Task A_connection_without_a_workspace_sees_nothing()
    {
        await CreateAsync("mine");
        await using var command = notes.App.CreateCommand("select count(*) from notes.note");
        Assert.Equal(0L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_change_is_published_with_who_and_what_and_in_which_call()
    {
        var (response, outcome) = await CreateAsync("published");
        Assert.Equal(Outcomes.Committed, outcome);
        var happened = await notes.Events.WaitAsync(published => published.WorkspaceId == _caller.Workspace);
        Assert.Equal(
            ("notes", nameof(NoteCreated), "note.created", "create_note"),
            (happened.Source, happened.Type, happened.Action, happened.Call.Tool)
        );
        Assert.Equal(Ids.Format("mbr", _caller.Member!.Value), happened.Actor.Id);
        Assert.Equal([response.NoteId], Assert.Single(happened.Targets).Ids);
        Assert.Equal("published", happened.Read<NoteCreated>().Title);
        Assert.NotNull(happened.Call.TraceParent);
    }

    [Fact]
    public async Task A_change_that_fails_leaves_neither_rows_nor_events()
    {
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "lost", Fail = true }, notes.As(_caller)).ProblemAsync();
        Assert.Empty(await notes.TitlesAsync(_caller));
        Assert.Equal(0, await CountOutboxAsync());
    }

    [Fact]
    public async Task Events_wait_in_the_outbox_while_the_broker_is_away()
    {
        notes.Events.IsDown = true;
        try
        {
            await CreateAsync("waiting");
            Assert.Equal(1, await CountOutboxAsync());
        }
        finally
        {
            notes.Events.IsDown = false;
        }

        await notes.Events.WaitAsync(published => published.WorkspaceId == _caller.Workspace);
    }

    [Fact]
    public async Task Events_that_the_broker_died_with_are_sent_again()
    {
        (notes.Events.IsSilent, notes.Clock.Speed) = (true, 50);
        try
        {
            await CreateAsync("under way");
            await Eventually.True(() => notes.Events.Unanswered > 0);
        }
        finally
        {
            notes.Events.IsSilent = false;
        }

        await notes.Events.WaitAsync(published => published.WorkspaceId == _caller.Workspace);
        notes.Clock.Speed = 1;
    }

    [Fact]
    public async Task A_dry_run_answers_without_an_id_and_changes_nothing()
    {
        var (response, outcome) = await CreateAsync("dry", dryRun: true);
        Assert.Empty(response.NoteId);
        Assert.Equal(Outcomes.Previewed, outcome);
        Assert.Empty(await notes.TitlesAsync(_caller));
    }

    [Fact]
    public async Task A_violated_constraint_is_the_problem_that_the_service_named()
    {
        await CreateAsync("twice");
        Assert.Equal(
            "TITLE_TAKEN",
            (await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "twice" }, notes.As(_caller)).ProblemAsync()).Reason
        );
    }

    [Fact]
    public async Task The_same_idempotency_key_answers_again_without_acting_again()
    {
        var (first, _) = await CreateAsync("once", key: "k");
        var (second, outcome) = await CreateAsync("once", key: "k");
        Assert.Equal(first, second);
        Assert.Equal(Outcomes.Replayed, outcome);
        Assert.Single(await notes.TitlesAsync(_caller));
    }

    [Fact]
    public async Task An_answer_that_is_given_again_names_the_call_that_it_was_given_to_first()
    {
        var (request, options) = (new CreateNoteRequest { Title = "once" }, notes.As(_caller, idempotencyKey: "k"));
        var first = notes.Client.CreateNoteAsync(request, options);
        await first;
        Assert.Null(first.GetTrailers().GetValue("x-repeats"));
        var again = notes.Client.CreateNoteAsync(request, notes.As(_caller, idempotencyKey: "k"));
        await again;
        Assert.Equal(options.Headers!.GetValue(CallMetadata.CallId), again.GetTrailers().GetValue("x-repeats"));
    }

    [Fact]
    public async Task The_same_idempotency_key_with_other_arguments_is_refused()
    {
        await CreateAsync("one", key: "k");
        var problem = await notes
            .Client.CreateNoteAsync(new CreateNoteRequest { Title = "two" }, notes.As(_caller, idempotencyKey: "k"))
            .ProblemAsync();
        Assert.Equal("IDEMPOTENCY_KEY_REUSED", problem.Reason);
    }

    [Fact]
    public async Task The_same_idempotency_key_in_another_environment_is_refused_and_shows_nothing_of_the_first()
    {
        await CreateAsync("one", key: "k");
        var elsewhere = _caller with { Environment = Ids.New() };
        var problem = await notes
            .Client.CreateNoteAsync(new CreateNoteRequest { Title = "one" }, notes.As(elsewhere, idempotencyKey: "k"))
            .ProblemAsync();
        Assert.Equal("IDEMPOTENCY_KEY_REUSED", problem.Reason);
        Assert.Empty(await notes.TitlesAsync(elsewhere));
    }

    [Fact]
    public async Task An_idempotency_key_belongs_to_its_member()
    {
        await CreateAsync("one", key: "k");
        await notes.Client.CreateNoteAsync(
            new CreateNoteRequest { Title = "two" },
            notes.As(_caller with { Member = Ids.New() }, idempotencyKey: "k")
        );
        Assert.Equal(2, (await notes.TitlesAsync(_caller)).Count);
    }

    [Fact]
    public async Task Of_eight_calls_at_once_with_one_idempotency_key_one_acts()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CreateAsync("eight", key: "k")));
        Assert.Single(answers.Select(answer => answer.Response.NoteId).Distinct());
        Assert.Equal(1, answers.Count(answer => answer.Outcome == Outcomes.Committed));
        Assert.Single(await notes.TitlesAsync(_caller));
    }

    [Fact]
    public async Task Tenancy_laws_hold() => await TenancyLaws.AssertAsync(notes.Admin, "notes");

    [Fact]
    public async Task The_application_role_can_neither_read_nor_change_the_outbox()
    {
        foreach (
            var sql in (string[])
                ["select * from platform.outbox", "update platform.outbox set sent_at = now()", "delete from platform.outbox"]
        )
        {
            await using var command = notes.App.CreateCommand(sql);
            var exception = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, exception.SqlState);
        }
    }

    private async Task<(CreateNoteResponse Response, string? Outcome)> CreateAsync(string title, string? key = null, bool dryRun = false)
    {
        using var call = notes.Client.CreateNoteAsync(
            new CreateNoteRequest { Title = title },
            notes.As(_caller, idempotencyKey: key, dryRun: dryRun)
        );
        return (await call, call.GetTrailers().GetValue(CallMetadata.Outcome));
    }

    private async Task<long> CountOutboxAsync()
    {
        await using var command = notes.Admin.CreateCommand("select count(*) from platform.outbox where workspace_id = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = _caller.Workspace });
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
