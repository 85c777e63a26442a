using Notes.Contracts.V1;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

/// <summary>How the relay says that everything has been published. It takes a broker that fails, so a service of its own.</summary>
public sealed class OutboxProgressTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    [Fact]
    public async Task The_relay_says_that_it_is_complete_only_once_it_is()
    {
        await Eventually.True(() => notes.Events.Progress is not null);
        notes.Events.IsDown = true;
        var caller = new TestCaller();
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "unsent" }, notes.As(caller));
        var committed = await NowAsync();
        notes.Events.IsSilent = true;
        notes.Events.IsDown = false;
        await Eventually.True(() => notes.Events.Unanswered > 0);
        Assert.True(notes.Events.Progress!.CompleteTo < committed);

        notes.Events.IsSilent = false;
        await Eventually.True(() => notes.Events.Progress.CompleteTo > committed);
        Assert.Contains(notes.Events.All, published => published.WorkspaceId == caller.Workspace);
        Assert.Equal("notes", notes.Events.Progress.Source);
    }

    private async Task<DateTimeOffset> NowAsync()
    {
        await using var clock = notes.Admin.CreateCommand("select clock_timestamp()");
        await using var reader = await clock.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        await reader.ReadAsync(TestContext.Current.CancellationToken);
        return reader.GetFieldValue<DateTimeOffset>(0);
    }
}
