using Grpc.Core;
using Notes.Contracts.V1;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed class ConfirmationTests(NotesFixture notes) : IClassFixture<NotesFixture>
{
    private readonly TestCaller _caller = new();

    [Fact]
    public async Task The_first_call_changes_nothing_and_shows_what_would_be_destroyed()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        Assert.Equal("""{"notes":1}""", confirmation.Preview.Utf8.ToStringUtf8());
        Assert.Equal(notes.Clock.GetUtcNow().AddMinutes(5), confirmation.ExpiresAt.ToDateTimeOffset(), TimeSpan.FromSeconds(5));
        Assert.Single(await notes.TitlesAsync(_caller));
    }

    [Fact]
    public async Task The_second_call_acts_once()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        Assert.Equal(
            1,
            (await notes.Client.DeleteNotesAsync(new DeleteNotesRequest(), notes.As(_caller, confirmation: confirmation.Token))).Deleted
        );
        Assert.Equal("CONFIRMATION_USED", await ReasonAsync(_caller, confirmation.Token));
    }

    [Fact]
    public async Task Of_a_hundred_concurrent_uses_one_wins()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 100)
                .Select(async _ =>
                {
                    try
                    {
                        return (
                            await notes.Client.DeleteNotesAsync(
                                new DeleteNotesRequest(),
                                notes.As(_caller, confirmation: confirmation.Token)
                            )
                        ).Deleted;
                    }
                    catch (RpcException)
                    {
                        return -1;
                    }
                })
        );
        Assert.Equal(1, Assert.Single(results, result => result >= 0));
    }

    [Fact]
    public async Task A_state_that_changed_since_the_preview_refuses_and_asks_to_look_again()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        await CreateAsync("b");
        Assert.Equal("CONFIRMATION_STALE", await ReasonAsync(_caller, confirmation.Token));
        Assert.Equal(2, (await notes.TitlesAsync(_caller)).Count);
    }

    [Fact]
    public async Task Another_member_and_another_token_of_the_same_member_cannot_use_it()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        Assert.Equal("CONFIRMATION_INVALID", await ReasonAsync(_caller with { Member = Ids.New() }, confirmation.Token));
        Assert.Equal("CONFIRMATION_INVALID", await ReasonAsync(_caller with { Token = "tok_other" }, confirmation.Token));
    }

    [Fact]
    public async Task A_declined_one_is_of_no_use_afterwards()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        for (var time = 0; time < 2; time++)
        {
            var declined = notes.Client.DeleteNotesAsync(new DeleteNotesRequest(), notes.As(_caller, declined: confirmation.Token));
            Assert.Equal("NOT_CONFIRMED", (await declined.ProblemAsync()).Reason);
        }

        Assert.Equal("CONFIRMATION_USED", await ReasonAsync(_caller, confirmation.Token));
        Assert.Single(await notes.TitlesAsync(_caller));
        Assert.NotEqual(confirmation.Token, (await PreviewAsync()).Token);
    }

    [Fact]
    public async Task Nobody_declines_for_another()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        var other = _caller with { Member = Ids.New() };
        await notes.Client.DeleteNotesAsync(new DeleteNotesRequest(), notes.As(other, declined: confirmation.Token)).ProblemAsync();
        var acted = notes.Client.DeleteNotesAsync(new DeleteNotesRequest(), notes.As(_caller, confirmation: confirmation.Token));
        Assert.Equal(1, (await acted).Deleted);
    }

    [Fact]
    public async Task Of_a_yes_and_a_no_at_once_one_holds()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(async nth =>
                {
                    var options =
                        nth % 2 == 0
                            ? notes.As(_caller, confirmation: confirmation.Token)
                            : notes.As(_caller, declined: confirmation.Token);
                    try
                    {
                        return (await notes.Client.DeleteNotesAsync(new DeleteNotesRequest(), options)).Deleted;
                    }
                    catch (RpcException)
                    {
                        return 0;
                    }
                })
        );
        Assert.Equal(1 - outcomes.Sum(), (await notes.TitlesAsync(_caller)).Count);
    }

    [Fact]
    public async Task It_is_good_for_its_environment_alone()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        var elsewhere = _caller with { Environment = Ids.New() };
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = "a" }, notes.As(elsewhere));
        Assert.Equal("CONFIRMATION_INVALID", await ReasonAsync(elsewhere, confirmation.Token));
        Assert.Single(await notes.TitlesAsync(elsewhere));
    }

    [Fact]
    public async Task It_is_good_for_five_minutes()
    {
        await CreateAsync("a");
        var confirmation = await PreviewAsync();
        notes.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("CONFIRMATION_EXPIRED", await ReasonAsync(_caller, confirmation.Token));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("not base64 ⚠")]
    [InlineData("Q2ZESjhBQUFBQUFBQUFBQUFBQUFBQUFBQUFB")]
    public async Task A_forged_one_is_refused(string token)
    {
        var forged = Uri.EscapeDataString(token);
        Assert.Equal("CONFIRMATION_INVALID", await ReasonAsync(_caller, forged));
    }

    private async Task CreateAsync(string title) =>
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = title }, notes.As(_caller));

    private async Task<Confirmation> PreviewAsync() =>
        (await notes.Client.DeleteNotesAsync(new DeleteNotesRequest(), notes.As(_caller)).ProblemAsync()).Confirmation;

    private async Task<string> ReasonAsync(TestCaller caller, string token) =>
        (await notes.Client.DeleteNotesAsync(new DeleteNotesRequest(), notes.As(caller, confirmation: token)).ProblemAsync()).Reason;
}
