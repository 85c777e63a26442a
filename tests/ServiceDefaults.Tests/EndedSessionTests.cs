using Notes.Contracts.V1;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

/// <summary>What becomes of calls when PostgreSQL ends the sessions of a service. It takes a database of its own.</summary>
public sealed class EndedSessionTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    private readonly TestCaller _caller = new();

    [Fact]
    public async Task A_change_whose_session_ends_in_its_commit_is_told_as_unknown_and_not_repeated_by_itself()
    {
        const string EndSession = """
            create function notes.end_session() returns trigger language plpgsql security definer as $$ begin
                if new.title like 'cut%' then perform pg_terminate_backend(pg_backend_pid()); end if;
                return null;
            end $$;
            create constraint trigger cut after insert on notes.note deferrable initially deferred
                for each row execute function notes.end_session();
            """;
        await using (var command = notes.Admin.CreateCommand(EndSession))
        {
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var alone = await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "cut" }, notes.As(_caller)).ProblemAsync();
        Assert.Equal("OUTCOME_UNKNOWN", alone.Reason);
        Assert.Contains("The call's id is ", alone.Fix, StringComparison.Ordinal);
        var repeatable = await notes
            .Client.CreateNoteAsync(new CreateNoteRequest { Title = "cut too" }, notes.As(_caller, idempotencyKey: "key"))
            .ProblemAsync();
        Assert.Equal("OUTCOME_UNKNOWN", repeatable.Reason);
        Assert.StartsWith("Repeat the same call with the same idempotencyKey", repeatable.Fix, StringComparison.Ordinal);
        Assert.Empty(await notes.TitlesAsync(_caller));
    }

    [Fact]
    public async Task Sessions_that_the_server_has_ended_are_replaced_without_a_word()
    {
        await CreateAsync("before");
        for (var i = 0; i < 3; i++)
        {
            await using var end = notes.Admin.CreateCommand(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'notes_app'"
            );
            await end.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await CreateAsync($"after {i}");
            Assert.Equal(i + 2, (await notes.TitlesAsync(_caller)).Count);
        }
    }

    private async Task CreateAsync(string title) =>
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = title }, notes.As(_caller));
}
