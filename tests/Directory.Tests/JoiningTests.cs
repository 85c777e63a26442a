using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

/// <summary>What identity asks for the page on which people join. The page itself is tested with identity.</summary>
public sealed class JoiningTests(MailFixture directory) : IClassFixture<MailFixture>
{
    [Fact]
    public async Task An_offer_says_who_invites_whom_to_what_and_looking_changes_nothing()
    {
        var (acme, _, _, token) = await directory.InviteAsync("look@offer.example", role: "admin");
        for (var time = 0; time < 2; time++)
        {
            var offer = await directory.FindOfferAsync(token);
            Assert.Equal(
                (OfferState.Pending, "Globex", "Member owner", "look@offer.example", "admin", ""),
                (offer!.State, offer.Name, offer.Inviter, offer.Email, offer.Role, offer.WorkspaceId)
            );
        }

        Assert.Equal(0, await directory.CountAsync("directory.directory_user where workspace_id = $1", acme.Id));
        Assert.Equal(0, await directory.CountAsync("directory.invitation where workspace_id = $1 and not is_open", acme.Id));
        var (workspace, _, member) = await InviteMemberAsync("look-member@offer.example");
        Assert.Equal(Ids.Format("wks", workspace.Id), (await directory.FindOfferAsync(member))!.WorkspaceId);
    }

    [Fact]
    public async Task Until_the_person_can_sign_in_a_workspace_is_not_joined_and_nothing_is_written()
    {
        var (acme, _, token) = await InviteMemberAsync("none@offer.example");
        Assert.Equal(OfferState.AccountNeeded, await directory.AcceptAsync(token, AccountState.Unspecified, "Ada"));
        Assert.Equal(OfferState.AccountNeeded, await directory.AcceptAsync(token, AccountState.Unspecified, "Ada"));
        Assert.Equal(0, await directory.CountAsync("directory.member where email = 'none@offer.example'"));
        Assert.Equal(1, await directory.CountAsync("directory.member_invitation where workspace_id = $1 and is_open", acme.Id));
        Assert.Equal(OfferState.Joined, await directory.AcceptAsync(token, AccountState.Created, "Ada Lovelace"));
        Assert.Equal(OfferState.Accepted, await directory.AcceptAsync(token, AccountState.Created, "Ada Lovelace"));
        Assert.Equal(OfferState.Accepted, await directory.AcceptAsync(token, AccountState.Unspecified));
        Assert.Equal(
            1,
            await directory.CountAsync("directory.member where email = 'none@offer.example' and display_name = 'Ada Lovelace'")
        );
    }

    [Theory]
    [InlineData(AccountState.Created, "Ada", "Ada", true)]
    [InlineData(AccountState.Existing, "Ada", "Ada", false)]
    [InlineData(AccountState.Existing, "", "known", false)]
    public async Task Who_joins_is_called_as_their_account_is_or_by_their_address_and_the_event_tells_whether_the_account_is_new(
        AccountState account,
        string name,
        string called,
        bool made
    )
    {
        var (acme, _, token) = await InviteMemberAsync($"known@{account}{name}.example".ToLowerInvariant());
        Assert.Equal(OfferState.Joined, await directory.AcceptAsync(token, account, name));
        Assert.Equal(1, await directory.CountAsync("directory.member where workspace_id = $1 and display_name = $2", acme.Id, called));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(MemberInvitationAccepted)
        );
        Assert.Equal(("directory", made), (announced.Actor.Id, announced.Read<MemberInvitationAccepted>().AccountMade));
    }

    [Fact]
    public async Task Of_eight_acceptances_at_once_one_joins()
    {
        var (acme, invitation, token) = await InviteMemberAsync("eight@offer.example");
        var states = await directory.RaceAsync("select from directory.member_invitation where id = $1 for update", invitation, 8, _ =>
            directory.AcceptAsync(token)
        );
        Assert.Equal((1, 7), (states.Count(state => state == OfferState.Joined), states.Count(state => state == OfferState.Accepted)));
        Assert.Equal(1, await directory.CountAsync("directory.member where workspace_id = $1 and email = 'eight@offer.example'", acme.Id));
    }

    [Fact]
    public async Task Nobody_but_identity_may_ask()
    {
        var (acme, _, token) = await InviteMemberAsync("closed@offer.example");
        foreach (var caller in new[] { acme.Owner, TestCaller.AsService("data"), TestCaller.AsService("edge") })
        {
            Assert.Equal(
                "PERMISSION_DENIED",
                await Calls.ReasonAsync(directory.Joining.FindOfferAsync(new FindOfferRequest { Token = token }, directory.As(caller)))
            );
            Assert.Equal(
                "PERMISSION_DENIED",
                await Calls.ReasonAsync(
                    directory.Joining.AcceptOfferAsync(
                        new AcceptOfferRequest { Token = token, Account = AccountState.Existing },
                        directory.As(caller)
                    )
                )
            );
        }

        Assert.Equal(OfferState.Pending, (await directory.FindOfferAsync(token))?.State);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task A_link_that_leads_nowhere_offers_nothing(string token)
    {
        Assert.Null(await directory.FindOfferAsync(token));
        Assert.Null(await directory.AcceptAsync(token));
    }

    private async Task<(TestWorkspace Workspace, Guid Invitation, string Token)> InviteMemberAsync(string email)
    {
        var acme = await directory.AddWorkspaceAsync();
        var result = (
            await directory.MemberInvitations.InviteMembersAsync(
                new InviteMembersRequest { Invitations = { new MemberInvitationRow { Email = email } } },
                directory.As(acme.Owner)
            )
        ).Results[0];
        Ids.TryParse("minv", result.InvitationId, out var id);
        return (acme, id, (await directory.WaitForMailAsync(email))[^1].Token);
    }
}
