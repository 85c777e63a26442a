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

    [Fact]
    public async Task A_batch_holds_no_more_than_brokers_take_in_one_message()
    {
        notes.Events.IsDown = true;
        var caller = new TestCaller();
        for (var i = 0; i < 10; i++)
        {
            await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = $"large {i}" }, notes.As(caller));
        }

        // The last is larger than a batch may be, and holds up nothing.
        await using var grow = notes.Admin.CreateCommand(
            """
            update platform.outbox set envelope =
                replace(envelope, 'large', repeat('x', 1024 * 1024 * case when envelope like '%large 9%' then 5 else 1 end))
            where envelope like '%large%'
            """
        );
        Assert.Equal(10, await grow.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        var before = notes.Events.Batches.Count;
        notes.Events.IsDown = false;
        await Eventually.True(() => notes.Events.All.Count(published => published.WorkspaceId == caller.Workspace) == 10);
        Assert.All(notes.Events.Batches.Skip(before), count => Assert.InRange(count, 1, 3));
    }

    private async Task<DateTimeOffset> NowAsync()
    {
        await using var clock = notes.Admin.CreateCommand("select clock_timestamp()");
        await using var reader = await clock.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        await reader.ReadAsync(TestContext.Current.CancellationToken);
        return reader.GetFieldValue<DateTimeOffset>(0);
    }
}
