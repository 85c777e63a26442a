using System.Net;
using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Tests;

namespace Platform.Identity.Tests.Joining;

/// <summary>What people read when joining fails, and that trying again is safe.</summary>
public sealed class JoinFailureTests(JoinFixture join) : IClassFixture<JoinFixture>
{
    private const string Password = "correct horse battery";
    private const string Unknown = "We could not find out whether you joined";
    private const string NotYet = "You have not joined yet";

    private MailFixture Directory => join.Directory;

    [Theory]
    [InlineData(StatusCode.Unavailable, Unknown)]
    [InlineData(StatusCode.DeadlineExceeded, Unknown)]
    [InlineData(StatusCode.Cancelled, Unknown)]
    [InlineData(StatusCode.Internal, Unknown)]
    [InlineData(StatusCode.Aborted, NotYet)]
    [InlineData(StatusCode.PermissionDenied, NotYet)]
    public async Task While_directory_fails_only_what_is_certain_is_told_and_the_link_stays_good(StatusCode failure, string told)
    {
        var email = $"{failure}@failure.example".ToLowerInvariant();
        var (_, _, token) = await join.InviteMemberAsync(email);
        (join.Gate.Answers, join.Gate.Failure) = (_ => false, failure);
        using var http = join.CreateHttpClient();
        using var shown = await http.GetAsync($"/join?token={token}", TestContext.Current.CancellationToken);
        var (status, page) = await join.SendAsync(token, "Ada", Password);
        join.Gate.Answers = _ => true;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable), (shown.StatusCode, status));
        Assert.Contains(
            "Nothing was changed",
            await shown.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
        Assert.Equal(told, Told(page));
        Assert.DoesNotContain(join.Realm.Asked, asked => asked == email);
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Ada", Password)).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whose_membership_was_made_and_its_answer_lost_is_told_so_when_they_try_again(bool hasAccount)
    {
        var email = $"{Guid.NewGuid():N}@failure.example";
        var (acme, _, token) = await join.InviteMemberAsync(email);
        if (hasAccount)
        {
            join.Realm.Accounts[email] = new(Password, "Ada", "Ada");
        }

        join.Gate.Arrives = state => state != OfferState.Joined;
        var (status, page) = await join.SendAsync(token, "Ada", Password);
        join.Gate.Arrives = _ => true;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, Unknown), (status, Told(page)));
        Assert.Equal(!hasAccount, page.Contains("Your account was created", StringComparison.Ordinal));

        (status, page) = await join.SendAsync(token, "Ada", Password);
        Assert.Equal(HttpStatusCode.Gone, status);
        Assert.Contains($"Sign in as <strong>{email}</strong>", page, StringComparison.Ordinal);
        Assert.Equal(1, await join.CountMembersAsync(email, "Ada"));
        Assert.Equal(
            1,
            await Directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%member_invitation.accepted%'", acme.Id)
        );
    }

    [Fact]
    public async Task Whose_membership_of_an_organization_was_made_and_its_answer_lost_is_told_so_when_they_try_again()
    {
        var (acme, _, _, token) = await Directory.InviteAsync("lost@failure.example");
        join.Gate.Arrives = state => state != OfferState.Joined;
        var (status, page) = await join.SendAsync(token);
        join.Gate.Arrives = _ => true;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, Unknown), (status, Told(page)));

        (status, page) = await join.SendAsync(token);
        Assert.Equal(HttpStatusCode.Gone, status);
        Assert.Contains("Nothing is left to do", page, StringComparison.Ordinal);
        Assert.Equal(1, await Directory.CountAsync("directory.membership where workspace_id = $1", acme.Id));
    }

    [Fact]
    public async Task Whose_account_was_made_and_its_answer_lost_joins_with_it_when_they_try_again()
    {
        var (_, _, token) = await join.InviteMemberAsync("made@failure.example");
        join.Realm.LosesAnswers = true;
        var (status, page) = await join.SendAsync(token, "Ada", Password);
        join.Realm.LosesAnswers = false;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, NotYet), (status, Told(page)));
        Assert.Equal(0, await join.CountMembersAsync("made@failure.example", "Ada"));

        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Ada", "another horse battery")).Status);
        Assert.Single(join.Realm.Created, created => created == "made@failure.example");
        Assert.Equal(Password, join.Realm.Accounts["made@failure.example"].Password);
        Assert.Equal(1, await join.CountMembersAsync("made@failure.example", "Ada"));
    }

    [Fact]
    public async Task While_the_realm_gives_no_answer_nobody_joins_and_that_is_told()
    {
        var (_, _, token) = await join.InviteMemberAsync("slow@failure.example");
        var answered = new TaskCompletionSource();
        join.Realm.Before = () => answered.Task;
        join.Identity.Clock.Speed = 8;
        var (status, page) = await join.SendAsync(token, "Ada", Password);
        join.Identity.Clock.Speed = 1;
        join.Realm.Before = () => Task.CompletedTask;
        answered.SetResult();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, NotYet), (status, Told(page)));
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Ada", Password)).Status);
    }

    [Fact]
    public async Task While_the_realm_is_away_nothing_happens_and_the_link_stays_good()
    {
        var (acme, _, token) = await join.InviteMemberAsync("later@failure.example");
        join.Realm.IsAway = true;
        var (status, page) = await join.SendAsync(token, "Ada", Password);
        join.Realm.IsAway = false;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, NotYet), (status, Told(page)));
        Assert.Equal(1, await Directory.CountAsync("directory.member where workspace_id = $1", acme.Id));
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Ada", Password)).Status);
    }

    [Fact]
    public async Task After_a_crash_between_account_and_membership_the_same_link_finishes_without_a_password()
    {
        var (acme, _, token) = await join.InviteMemberAsync("halfway@failure.example");
        var (status, page) = await FailAfterAccountAsync(token, StatusCode.Unavailable);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, Unknown), (status, Told(page)));
        Assert.Contains("Your account was created", page, StringComparison.Ordinal);
        Assert.Equal(Password, join.Realm.Accounts["halfway@failure.example"].Password);
        Assert.Equal(0, await Directory.CountAsync("directory.member where email = 'halfway@failure.example'"));
        Assert.Equal(1, await Directory.CountAsync("directory.member_invitation where workspace_id = $1 and is_open", acme.Id));

        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token)).Status);
        Assert.Equal(1, await join.CountMembersAsync("halfway@failure.example", "Ada"));
        Assert.Equal(Password, join.Realm.Accounts["halfway@failure.example"].Password);
        Assert.Equal(HttpStatusCode.Gone, (await join.SendAsync(token)).Status);
    }

    [Fact]
    public async Task Who_is_refused_after_their_account_was_made_is_told_that_they_have_not_joined()
    {
        var (_, _, token) = await join.InviteMemberAsync("refused@failure.example");
        var (status, page) = await FailAfterAccountAsync(token, StatusCode.Aborted);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, NotYet), (status, Told(page)));
        Assert.Contains("Your account was created", page, StringComparison.Ordinal);
    }

    /// <summary>Accepts, and directory fails once the account was made.</summary>
    private async Task<(HttpStatusCode Status, string Page)> FailAfterAccountAsync(string token, StatusCode failure)
    {
        (join.Gate.Answers, join.Gate.Failure) = (request => request is not AcceptOfferRequest { Account: AccountState.Created }, failure);
        var answer = await join.SendAsync(token, "Ada", Password);
        join.Gate.Answers = _ => true;
        return answer;
    }

    /// <summary>Which of the two a page says; it must not say both.</summary>
    private static string Told(string page) => Assert.Single([Unknown, NotYet], one => page.Contains(one, StringComparison.Ordinal));
}
