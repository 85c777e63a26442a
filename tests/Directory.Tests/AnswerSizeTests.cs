using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Directory.Tests;

/// <summary>No answer is larger than the contract says, however many there are.</summary>
public sealed class AnswerSizeTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    private const int Many = 400;

    [Fact]
    public async Task No_list_answers_more_than_its_bound_and_its_pages_hold_everything()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = await FillAsync(acme);
        var arguments = new Dictionary<string, object> { ["organizationId"] = organization };
        foreach (var tool in PagedTools.Of(DirectoryContract.Catalogue))
        {
            var pages = await PagedTools.ReadAsync(tool, directory.Channel.CreateCallInvoker(), () => directory.As(acme.Owner), arguments);
            var entries = PagedTools.Entries(pages).Distinct().Count();
            Assert.True(pages.Count > 1, $"{tool.Name} answers everything on one page, so that the test proves nothing.");
            Assert.InRange(entries, Many, Many + 1);
        }
    }

    [Fact]
    public async Task A_thousand_invitations_are_answered_by_what_went_wrong_and_by_counts()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = (
            await directory.Organizations.CreateOrganizationAsync(new CreateOrganizationRequest { Name = "O" }, directory.As(acme.Owner))
        )
            .Organization
            .Id;
        var request = new CreateInvitationsRequest { OrganizationId = organization };
        request.Invitations.AddRange(
            Enumerable
                .Range(0, 1_000)
                .Select(number => new InvitationRow { Email = number % 100 == 7 ? "nobody" : $"somebody.{number}@example.com" })
        );
        var answer = await directory.Invitations.CreateInvitationsAsync(request, directory.As(acme.Owner));
        Assert.True(JsonSize.Of(answer) <= AnswerSize.MaxAnswer);
        Assert.Equal((990, 10, 990), (answer.Counts.Created, answer.Counts.Invalid, answer.LeftOut));
        Assert.Equal(Enumerable.Range(0, 10).Select(number => number * 100 + 7), answer.Results.Select(result => result.Row));
        Assert.All(answer.Results, result => Assert.Equal(InvitationOutcome.Invalid, result.Outcome));
    }

    [Fact]
    public async Task Results_can_be_asked_for_problems_only()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = (
            await directory.Organizations.CreateOrganizationAsync(new CreateOrganizationRequest { Name = "O" }, directory.As(acme.Owner))
        )
            .Organization
            .Id;
        var request = new CreateInvitationsRequest
        {
            OrganizationId = organization,
            OnlyProblems = true,
            Invitations =
            {
                new InvitationRow { Email = "a@example.com" },
                new InvitationRow { Email = "a@example.com" },
            },
        };
        var answer = await directory.Invitations.CreateInvitationsAsync(request, directory.As(acme.Owner));
        Assert.Equal((1, InvitationOutcome.AlreadyInvited), (Assert.Single(answer.Results).Row, answer.Results[0].Outcome));
        Assert.Equal((1, 1), (answer.Counts.Created, answer.LeftOut));
        var members = new InviteMembersRequest
        {
            OnlyProblems = true,
            Invitations =
            {
                new MemberInvitationRow { Email = "b@example.com" },
                new MemberInvitationRow { Email = "no" },
            },
        };
        var (invited, _) = await directory.InviteAsync(acme.Owner, members);
        Assert.Equal((1, InvitationOutcome.Invalid), (Assert.Single(invited.Results).Row, invited.Results[0].Outcome));
        Assert.Equal((1, 1), (invited.Counts.Created, invited.LeftOut));
    }

    // So many of each kind, with names that are long in JSON.
    private async Task<string> FillAsync(TestWorkspace acme)
    {
        var name = string.Concat(Enumerable.Repeat("\U0001F600", 90));
        var first = "";
        for (var i = 0; i < Many; i++)
        {
            var organization = await directory.Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest { Name = $"{i} {name}" },
                directory.As(acme.Owner)
            );
            first = first.Length == 0 ? organization.Organization.Id : first;
            var user = await directory.Users.CreateUserAsync(
                new CreateUserRequest
                {
                    Email = $"user{i}@example.com",
                    FirstName = name,
                    LastName = name,
                },
                directory.As(acme.Owner)
            );
            await directory.Users.CreateMembershipAsync(
                new CreateMembershipRequest { OrganizationId = first, UserId = user.User.Id },
                directory.As(acme.Owner)
            );
            await directory.AddMemberAsync(acme.Id, $"{new string('m', 200)}{i}@example.com", "viewer", acme.Sandbox);
        }

        var part = new string('a', 55);
        foreach (var chunk in Enumerable.Range(0, Many).Chunk(100))
        {
            var invitations = new CreateInvitationsRequest { OrganizationId = first };
            invitations.Invitations.AddRange(
                chunk.Select(number => new InvitationRow { Email = $"{part}.{number}@{part}.{part}.{part}.example" })
            );
            await directory.Invitations.CreateInvitationsAsync(invitations, directory.As(acme.Owner));
            var members = new InviteMembersRequest();
            members.Invitations.AddRange(
                chunk.Select(number => new MemberInvitationRow { Email = $"{part}.{number}@{part}.{part}.{part}.example" })
            );
            await directory.InviteAsync(acme.Owner, members);
        }

        return first;
    }
}
