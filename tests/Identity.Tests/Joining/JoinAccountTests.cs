using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Tests;

namespace Platform.Identity.Tests.Joining;

/// <summary>People who are invited to the workspace and have no account to sign in with.</summary>
public sealed class JoinAccountTests(JoinFixture join) : IClassFixture<JoinFixture>
{
    private const string Password = "correct horse battery";

    private MailFixture Directory => join.Directory;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_has_no_account_is_asked_for_a_password_and_joins_with_it_once()
    {
        var (acme, _, token) = await join.InviteMemberAsync("new@account.example");
        using var http = join.CreateHttpClient();
        Assert.Contains(
            "<button>Accept</button>",
            await http.GetStringAsync($"/join?token={token}", Cancellation),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(join.Realm.Asked, asked => asked == "new@account.example");

        var (status, page) = await join.SendAsync(token);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains($"<input type=\"hidden\" name=\"token\" value=\"{token}\">", page, StringComparison.Ordinal);
        Assert.Contains("value=\"new@account.example\" readonly autocomplete=\"username\"", page, StringComparison.Ordinal);
        Assert.Equal(2, page.Split("autocomplete=\"new-password\"").Length - 1);
        Assert.Contains(FakeAccounts.Rule, page, StringComparison.Ordinal);
        Assert.Equal(0, await Directory.CountAsync("directory.member where email = 'new@account.example'"));
        Assert.Equal(1, await Directory.CountAsync("directory.member_invitation where workspace_id = $1 and is_open", acme.Id));

        (status, page) = await join.SendAsync(token, "Ada <Lovelace>", Password);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("with this address and the password that you chose", page, StringComparison.Ordinal);
        Assert.Equal(Password, join.Realm.Accounts["new@account.example"].Password);
        Assert.Equal(
            1,
            await Directory.CountAsync("directory.member where email = 'new@account.example' and display_name = 'Ada <Lovelace>'")
        );
        var announced = await Directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MemberInvitationAccepted)
        );
        Assert.True(announced.Read<MemberInvitationAccepted>().AccountMade);

        var asked = join.Realm.Asked.Count;
        Assert.Equal(HttpStatusCode.Gone, (await join.SendAsync(token, "Eve", "another horse battery")).Status);
        Assert.Equal(asked, join.Realm.Asked.Count);
    }

    [Fact]
    public async Task Who_has_an_account_is_asked_nothing_and_a_password_that_comes_all_the_same_changes_nothing()
    {
        var (acme, _, token) = await join.InviteMemberAsync("known@account.example");
        join.Realm.Accounts["known@account.example"] = new("as it was", "Ada", "Lovelace");
        var (status, page) = await join.SendAsync(token, "Eve", "another horse battery");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.DoesNotContain("type=\"password\"", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("that you chose", page, StringComparison.Ordinal);
        Assert.Contains("already had an account, which keeps its password", page, StringComparison.Ordinal);
        Assert.Equal("as it was", join.Realm.Accounts["known@account.example"].Password);
        Assert.Equal(1, await Directory.CountAsync("directory.member where workspace_id = $1 and display_name = 'Ada Lovelace'", acme.Id));
        var announced = await Directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MemberInvitationAccepted)
        );
        Assert.False(announced.Read<MemberInvitationAccepted>().AccountMade);
    }

    [Theory]
    [InlineData("Ada", "short", "short", "This password is not allowed")]
    [InlineData("Ada", Password, "incorrect horse battery", "The two passwords differ")]
    [InlineData("Ada", "", "", "Choose a password")]
    [InlineData("", Password, Password, "Tell us your name")]
    [InlineData("Ada\u0007", Password, Password, "Tell us your name")]
    [InlineData("\u200B\u202E\u2060", Password, Password, "Tell us your name")]
    [InlineData("Ada [x]", Password, Password, "Use letters, spaces")]
    public async Task What_cannot_be_taken_is_told_and_nothing_has_happened(string name, string password, string again, string problem)
    {
        var email = $"{Guid.NewGuid():N}@account.example";
        var (acme, _, token) = await join.InviteMemberAsync(email);
        var (status, page) = await join.SendAsync(token, name, password, again);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(problem, page, StringComparison.Ordinal);
        Assert.Contains(FakeAccounts.Rule, page, StringComparison.Ordinal);
        Assert.Contains("<title>Error: ", page, StringComparison.Ordinal);
        Assert.Matches("<input[^>]*aria-invalid=\"true\" aria-describedby=\"problem[^>]* autofocus>", page);
        Assert.True(password.Length == 0 || !page.Contains(password, StringComparison.Ordinal), "The page tells the password.");
        Assert.False(join.Realm.Accounts.ContainsKey(email));
        Assert.Equal(0, await Directory.CountAsync("directory.member where email = $1", email));
        Assert.Equal(1, await Directory.CountAsync("directory.member_invitation where workspace_id = $1 and is_open", acme.Id));
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Ada", Password)).Status);
    }

    [Theory]
    [InlineData("update directory.member_invitation set expires_at = now() - interval '1 second' where id = $1")]
    [InlineData("update directory.member_invitation set revoked_at = now(), is_open = false where id = $1")]
    [InlineData(
        "update directory.member_role set role = 'viewer' where member_id = "
            + "(select invited_by from directory.member_invitation where id = $1)"
    )]
    public async Task A_link_that_gives_no_membership_gives_no_account(string end)
    {
        var email = $"{Guid.NewGuid():N}@account.example";
        var (_, invitation, token) = await join.InviteMemberAsync(email);
        await Directory.ExecuteAsync(end, invitation);
        Assert.Equal(HttpStatusCode.Gone, (await join.SendAsync(token)).Status);
        Assert.Equal(HttpStatusCode.Gone, (await join.SendAsync(token, "Ada", Password)).Status);
        Assert.DoesNotContain(join.Realm.Asked, asked => asked == email);
    }

    [Fact]
    public async Task A_name_of_an_account_is_shown_to_others_without_what_is_not_seen()
    {
        var (_, _, token) = await join.InviteMemberAsync("bidi@account.example");
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Anna\u202Egpj.exe\u200B", Password)).Status);
        Assert.Equal("Annagpj.exe", join.Realm.Accounts["bidi@account.example"].FirstName);
        Assert.Equal(1, await join.CountMembersAsync("bidi@account.example", "Annagpj.exe"));

        (_, _, token) = await join.InviteMemberAsync("old@account.example");
        join.Realm.Accounts["old@account.example"] = new(Password, "Eve\u202E", "Evil\nline");
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token)).Status);
        Assert.Equal(1, await join.CountMembersAsync("old@account.example", "Eve Evil line"));
    }

    [Fact]
    public async Task A_reload_and_the_way_back_send_nothing_again()
    {
        var (acme, _, token) = await join.InviteMemberAsync("reload@account.example");
        var choose = await NextAsync([]);
        for (var time = 0; time < 2; time++)
        {
            var (status, page) = await GetAsync(choose);
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Contains("Choose a password", page, StringComparison.Ordinal);
        }

        Assert.Equal(0, await Directory.CountAsync("directory.member where email = 'reload@account.example'"));
        var welcome = await NextAsync(
            new()
            {
                ["name"] = "Ada",
                ["password"] = Password,
                ["again"] = Password,
            }
        );
        for (var time = 0; time < 2; time++)
        {
            var (status, page) = await GetAsync(welcome);
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Contains("with this address and the password that you chose", page, StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.Gone, (await GetAsync(choose)).Status);
        Assert.Equal(
            1,
            await Directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%member_invitation.accepted%'", acme.Id)
        );

        async Task<Uri> NextAsync(Dictionary<string, string> fields)
        {
            using var http = join.CreateHttpClient(followsRedirects: false);
            var page = new Uri(http.BaseAddress!, "/join");
            using var form = new FormUrlEncodedContent(fields.Append(new("token", token)));
            using var answer = await http.PostAsync(page, form, Cancellation);
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
            Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
            return new Uri(page, answer.Headers.Location!);
        }
    }

    [Theory]
    [InlineData("account")]
    [InlineData("joined=chosen")]
    public async Task What_a_link_adds_opens_nothing(string step)
    {
        var email = $"{Guid.NewGuid():N}@account.example";
        var (_, invitation, token) = await join.InviteMemberAsync(email);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(Link())).Status);
        Assert.Equal(0, await Directory.CountAsync("directory.member where email = $1", email));
        await Directory.ExecuteAsync(
            "update directory.member_invitation set revoked_at = now(), is_open = false where id = $1",
            invitation
        );
        Assert.Equal(HttpStatusCode.Gone, (await GetAsync(Link())).Status);
        token = new string('A', 43);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(Link())).Status);

        Uri Link() => new($"/join?token={token}&{step}", UriKind.Relative);
    }

    [Fact]
    public async Task Who_has_joined_is_told_how_to_sign_out_whoever_else_uses_the_browser()
    {
        var (_, _, token) = await join.InviteMemberAsync("shared@account.example");
        foreach (var _ in (int[])[1, 2])
        {
            var page = (await join.SendAsync(token, "Ada", Password)).Page;
            Assert.Contains("/realms/platform/protocol/openid-connect/logout\">sign them out</a>", page, StringComparison.Ordinal);
        }
    }

    private async Task<(HttpStatusCode Status, string Page)> GetAsync(Uri link)
    {
        using var http = join.CreateHttpClient();
        using var answer = await http.GetAsync(link, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task An_invitation_to_an_organization_makes_no_account()
    {
        var (_, _, _, token) = await Directory.InviteAsync("customer@account.example");
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Ada", Password)).Status);
        Assert.DoesNotContain(join.Realm.Asked, asked => asked == "customer@account.example");
    }

    [Fact]
    public async Task Another_site_cannot_send_the_password_of_an_account()
    {
        var (_, _, token) = await join.InviteMemberAsync("csrf@account.example");
        Assert.Equal(HttpStatusCode.Forbidden, (await join.SendAsync(token, "Eve", Password, site: "cross-site")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await join.SendAsync(token, "Eve", Password, site: "same-site")).Status);
        Assert.False(join.Realm.Accounts.ContainsKey("csrf@account.example"));
    }

    [Fact]
    public async Task Of_eight_at_once_one_makes_the_account_and_one_joins()
    {
        var (acme, _, token) = await join.InviteMemberAsync("race@account.example");
        // Nobody makes the account before all have seen that there is none.
        var (seen, all) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        join.Realm.Before = () =>
        {
            if (Interlocked.Increment(ref seen) == 8)
            {
                all.SetResult();
            }

            return all.Task;
        };
        var sent = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => join.SendAsync(token, "Ada", $"{Password} {i}")));
        join.Realm.Before = () => Task.CompletedTask;
        Assert.Equal(
            (1, 7),
            (sent.Count(answer => answer.Status == HttpStatusCode.OK), sent.Count(answer => answer.Status == HttpStatusCode.Gone))
        );
        Assert.Single(join.Realm.Created, created => created == "race@account.example");
        Assert.Equal(1, await join.CountMembersAsync("race@account.example", "Ada"));
        Assert.Equal(
            1,
            await Directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%member_invitation.accepted%'", acme.Id)
        );
    }

    [Fact]
    public async Task Who_finds_their_account_made_in_the_same_moment_is_called_as_it_calls_them()
    {
        var email = $"{Guid.NewGuid():N}@account.example";
        var (acme, _, token) = await join.InviteMemberAsync(email);
        join.Realm.Before = () =>
        {
            join.Realm.Accounts[email] = new("the other password", "Ada", "Lovelace");
            return Task.CompletedTask;
        };
        var (status, page) = await join.SendAsync(token, "Countess", Password);
        join.Realm.Before = () => Task.CompletedTask;
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.DoesNotContain("the password that you chose", page, StringComparison.Ordinal);
        Assert.Equal("the other password", join.Realm.Accounts[email].Password);
        Assert.Equal(1, await join.CountMembersAsync(email, "Ada Lovelace"));
        var announced = await Directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MemberInvitationAccepted)
        );
        Assert.False(announced.Read<MemberInvitationAccepted>().AccountMade);
    }

    [Fact]
    public async Task Whoever_revokes_while_the_account_is_made_waits_for_nobody_and_the_account_is_no_member()
    {
        var (acme, invitation, token) = await join.InviteMemberAsync("revoked@account.example");
        string? reason = "not asked";
        join.Realm.Before = async () =>
            reason = await Calls.ReasonAsync(
                Directory.MemberInvitations.RevokeMemberInvitationAsync(
                    new RevokeMemberInvitationRequest { InvitationId = Ids.Format("minv", invitation) },
                    Directory.As(acme.Owner)
                )
            );
        var (status, page) = await join.SendAsync(token, "Ada", Password);
        join.Realm.Before = () => Task.CompletedTask;
        Assert.Equal((HttpStatusCode.Gone, null), (status, reason));
        Assert.Contains("withdrawn", page, StringComparison.Ordinal);
        Assert.Single(join.Realm.Created, created => created == "revoked@account.example");
        Assert.Equal(0, await Directory.CountAsync("directory.member where email = 'revoked@account.example'"));
    }

    [Fact]
    public async Task The_password_is_in_no_row_no_log_and_no_span()
    {
        var tags = new ConcurrentBag<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
                tags.Add(
                    activity.DisplayName
                        + string.Concat(activity.TagObjects.Select(tag => $"|{tag.Key}={tag.Value}"))
                        + string.Concat(activity.Events.SelectMany(happened => happened.Tags).Select(tag => $"|{tag.Key}={tag.Value}"))
                ),
        };
        ActivitySource.AddActivityListener(listener);
        const string Secret = "zebra-quartz-maple-47";
        var (acme, _, token) = await join.InviteMemberAsync("quiet@account.example");
        join.Realm.IsAway = true;
        await join.SendAsync(token, "Ada", Secret);
        join.Realm.IsAway = false;
        Assert.Equal(HttpStatusCode.OK, (await join.SendAsync(token, "Ada", Secret)).Status);
        Assert.Contains(tags, tag => tag.Contains("/join", StringComparison.Ordinal));
        Assert.DoesNotContain(tags, tag => tag.Contains(Secret, StringComparison.Ordinal) || tag.Contains(token, StringComparison.Ordinal));
        Assert.NotEmpty(join.Log);
        Assert.DoesNotContain(join.Log, line => line.Contains(Secret, StringComparison.Ordinal));
        foreach (
            var table in new[]
            {
                "platform.outbox",
                "platform.idempotency",
                "directory.member",
                "directory.member_invitation",
                "directory.mail",
            }
        )
        {
            Assert.Equal(0, await Directory.CountAsync($"{table} as r where r::text like '%{Secret}%'"));
        }

        foreach (var table in new[] { "platform.outbox", "platform.idempotency" })
        {
            await using var command = join.Identity.Admin.CreateCommand(
                $"select count(*) from {table} as r where r::text like '%{Secret}%'"
            );
            Assert.Equal(0L, await command.ExecuteScalarAsync(Cancellation));
        }

        Assert.Equal(
            1,
            await Directory.CountAsync(
                "platform.outbox as r where workspace_id = $1 and r::text like '%member_invitation.accepted%'",
                acme.Id
            )
        );
    }
}
