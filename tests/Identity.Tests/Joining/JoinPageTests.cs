using System.Diagnostics;
using System.Net;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Tests;

namespace Platform.Identity.Tests.Joining;

public sealed class JoinPageTests(JoinFixture join) : IClassFixture<JoinFixture>
{
    private MailFixture Directory => join.Directory;

    [Fact]
    public async Task Looking_changes_nothing_and_the_page_is_safe_in_a_browser()
    {
        var (acme, _, _, token) = await Directory.InviteAsync("look@join.example", name: "<script>alert(1)</script>", role: "admin");
        using var http = join.CreateHttpClient();
        for (var time = 0; time < 2; time++)
        {
            using var answer = await http.GetAsync($"/join?token={token}", TestContext.Current.CancellationToken);
            var page = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Contains("<bdi>Member owner</bdi> invites <strong>look@join.example</strong>", page, StringComparison.Ordinal);
            Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
            Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
            Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.True(answer.Headers.CacheControl!.NoStore);
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.StartsWith("default-src 'none'; style-src 'sha256-", policy, StringComparison.Ordinal);
            Assert.EndsWith("form-action 'self'; frame-ancestors 'none'; base-uri 'none'", policy, StringComparison.Ordinal);
            var style = page[(page.IndexOf("<style>", StringComparison.Ordinal) + 7)..page.IndexOf("</style>", StringComparison.Ordinal)];
            Assert.Contains(
                Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(style))),
                policy,
                StringComparison.Ordinal
            );
        }

        Assert.Equal(0, await Directory.CountAsync("directory.directory_user where workspace_id = $1", acme.Id));
        Assert.Equal(0, await Directory.CountAsync("directory.invitation where workspace_id = $1 and not is_open", acme.Id));
    }

    [Theory]
    [InlineData("Acme\u202Egnp.exe \u2067abc\u061C\u200F", "Acmegnp.exe abc")]
    [InlineData("one\ntwo\u2028three", "one two three")]
    [InlineData("\u200B\u2060\u3164", "(no name)")]
    public async Task A_name_changes_nothing_around_it(string name, string shown)
    {
        var (_, _, _, token) = await Directory.InviteAsync($"{Guid.NewGuid():N}@join.example");
        Assert.Equal(
            1,
            await Directory.ExecuteAsync(
                "update directory.organization set name = $2 where id = (select organization_id from directory.invitation i join "
                    + "directory.invitation_token t on t.invitation_id = i.id where t.token_hash = $1)",
                System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(token)),
                name
            )
        );
        using var http = join.CreateHttpClient();
        var page = await http.GetStringAsync($"/join?token={token}", TestContext.Current.CancellationToken);
        Assert.Contains($"<bdi>{shown}</bdi>", page, StringComparison.Ordinal);
        Assert.Contains($"<h1>Join {shown}</h1>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_eight_acceptances_at_once_one_joins_and_a_user_and_a_membership_are_there()
    {
        var (acme, organization, invitation, token) = await Directory.InviteAsync("join@join.example", role: "admin");
        Ids.TryParse("inv", invitation, out var id);
        var statuses = await Directory.RaceAsync("select from directory.invitation where id = $1 for update", id, 8, _ =>
            AcceptAsync(token)
        );
        Assert.Equal(
            (1, 7),
            (statuses.Count(status => status == HttpStatusCode.OK), statuses.Count(status => status == HttpStatusCode.Gone))
        );

        var membership = Assert.Single(
            (
                await Directory.Users.ListMembershipsAsync(
                    new ListMembershipsRequest { OrganizationId = organization },
                    Directory.As(acme.Owner)
                )
            ).Memberships
        );
        Assert.Equal(("join@join.example", "admin", "active"), (membership.Email, membership.Role, membership.State));
        var listed = Assert.Single(
            (
                await Directory.Invitations.ListInvitationsAsync(
                    new ListInvitationsRequest { State = "accepted" },
                    Directory.As(acme.Owner)
                )
            ).Invitations
        );
        Assert.Equal((invitation, true), (listed.Id, listed.AcceptedAt is not null));
        var announced = await Directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(InvitationAccepted)
        );
        Assert.Equal(
            ("invitation.accepted", "directory", membership.UserId, acme.Sandbox),
            (announced.Action, announced.Actor.Id, announced.Read<InvitationAccepted>().UserId, announced.EnvironmentId)
        );
        Assert.Equal(
            1,
            await Directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%membership.created%'", acme.Id)
        );
        Assert.Equal(1, await Directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%user.created%'", acme.Id));
        Assert.Equal(
            0,
            await Directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%' || $2 || '%'", acme.Id, token)
        );
    }

    [Fact]
    public async Task A_user_who_is_there_already_joins_as_themselves()
    {
        var (acme, organization, _, token) = await Directory.InviteAsync("known@join.example");
        var known = await Directory.CreateUserAsync(acme.Owner, "known@join.example");
        Assert.Equal(HttpStatusCode.OK, await AcceptAsync(token));
        Assert.Equal(
            known.Id,
            Assert
                .Single(
                    (
                        await Directory.Users.ListMembershipsAsync(
                            new ListMembershipsRequest { OrganizationId = organization },
                            Directory.As(acme.Owner)
                        )
                    ).Memberships
                )
                .UserId
        );
    }

    [Fact]
    public async Task A_deactivated_user_cannot_come_back_by_an_invitation()
    {
        var (acme, _, _, token) = await Directory.InviteAsync("off@join.example");
        var user = await Directory.CreateUserAsync(acme.Owner, "off@join.example");
        await Directory.Users.UpdateUserAsync(new UpdateUserRequest { UserId = user.Id, State = "deactivated" }, Directory.As(acme.Owner));
        Assert.Equal(HttpStatusCode.Conflict, await AcceptAsync(token));
        Assert.Equal(0, await Directory.CountAsync("directory.membership where workspace_id = $1", acme.Id));
        await Directory.Users.UpdateUserAsync(new UpdateUserRequest { UserId = user.Id, State = "active" }, Directory.As(acme.Owner));
        Assert.Equal(HttpStatusCode.OK, await AcceptAsync(token));
    }

    [Theory]
    [InlineData("expires_at = now() - interval '1 second'")]
    [InlineData("revoked_at = now(), is_open = false")]
    public async Task A_link_of_an_invitation_that_ended_opens_nothing(string end)
    {
        var (acme, _, invitation, token) = await Directory.InviteAsync($"end{end.Length}@join.example");
        Ids.TryParse("inv", invitation, out var id);
        await Directory.ExecuteAsync($"update directory.invitation set {end} where id = $1", id);
        Assert.Equal(HttpStatusCode.Gone, await AcceptAsync(token));
        Assert.Equal(0, await Directory.CountAsync("directory.directory_user where workspace_id = $1", acme.Id));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_link_that_leads_nowhere_says_so(string token)
    {
        using var http = join.CreateHttpClient();
        using var answer = await http.GetAsync($"/join?token={token}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, await AcceptAsync(token));
    }

    [Fact]
    public async Task Another_site_cannot_send_the_form()
    {
        var (acme, _, _, token) = await Directory.InviteAsync("csrf@join.example");
        Assert.Equal(HttpStatusCode.Forbidden, await AcceptAsync(token, "cross-site"));
        Assert.Equal(0, await Directory.CountAsync("directory.directory_user where workspace_id = $1", acme.Id));
        Assert.Equal(HttpStatusCode.OK, await AcceptAsync(token, "same-origin"));
    }

    [Fact]
    public async Task No_span_names_the_token()
    {
        var tags = new System.Collections.Concurrent.ConcurrentBag<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
                tags.Add(activity.DisplayName + string.Concat(activity.TagObjects.Select(tag => $"|{tag.Key}={tag.Value}"))),
        };
        ActivitySource.AddActivityListener(listener);
        var (_, _, _, token) = await Directory.InviteAsync("trace@join.example");
        using var http = join.CreateHttpClient();
        using var page = await http.GetAsync($"/join?token={token}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, await AcceptAsync(token));
        Assert.Contains(tags, tag => tag.Contains("/join", StringComparison.Ordinal));
        Assert.DoesNotContain(tags, tag => tag.Contains(token, StringComparison.Ordinal));
    }

    private async Task<HttpStatusCode> AcceptAsync(string token, string? site = null) => (await join.SendAsync(token, site: site)).Status;
}
