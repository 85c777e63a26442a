using System.Diagnostics;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class CreateInvitationsTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task A_thousand_rows_are_one_transaction_and_one_event()
    {
        var (acme, organization) = await ArrangeAsync();
        var request = new CreateInvitationsRequest { OrganizationId = organization };
        request.Invitations.AddRange(Enumerable.Range(0, 1000).Select(index => new InvitationRow { Email = $"person{index}@example.com" }));
        var watch = Stopwatch.StartNew();
        var answer = await CreateAsync(acme.Owner, request);
        TestContext.Current.SendDiagnosticMessage($"1,000 invitations took {watch.ElapsedMilliseconds} ms");

        Assert.Equal(new InvitationCounts { Created = 1000 }, answer.Counts);
        Assert.Equal((0, 1000), (answer.Results.Count, answer.LeftOut));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(InvitationsCreated)
        );
        Assert.Equal(1000, announced.Read<InvitationsCreated>().InvitationIds.Distinct().Count());
        Assert.Equal([("invitation", 1000), ("organization", 1)], announced.Targets.Select(target => (target.Kind, target.Count)));
        Assert.Equal(
            1,
            await directory.CountAsync("platform.outbox where workspace_id = $1 and envelope like '%InvitationsCreated%'", acme.Id)
        );
    }

    [Fact]
    public async Task Every_row_gets_its_own_result_in_order()
    {
        var (acme, organization) = await ArrangeAsync();
        var second = (await directory.CreateOrganizationAsync(acme.Owner, "Second")).Id;
        var foreign = (await directory.CreateOrganizationAsync(acme.InProduction, "Foreign")).Id;
        Ids.TryParse("org", organization, out var id);
        await directory.AddUserAsync(acme, id, "joined@example.com");
        var earlier = (await CreateAsync(acme.Owner, Rows(organization, "earlier@example.com"))).Results[0].InvitationId;

        var request = Rows(
            organization,
            "new@example.com",
            "Earlier@Example.com",
            "NEW@example.com",
            "joined@example.com",
            "no at",
            "",
            "ü@example.com",
            "x@münchen.example"
        );
        request.Invitations.Add(new InvitationRow { Email = "a@example.com", Role = "emperor" });
        request.Invitations.Add(new InvitationRow { Email = "a@example.com", ExpiresInDays = 0 });
        request.Invitations.Add(new InvitationRow { Email = "a@example.com", ExpiresInDays = 31 });
        request.Invitations.Add(new InvitationRow { Email = "a@example.com", OrganizationId = "org_x" });
        request.Invitations.Add(new InvitationRow { Email = "a@example.com", OrganizationId = foreign });
        request.Invitations.Add(
            new InvitationRow
            {
                Email = "new@example.com",
                OrganizationId = second,
                Role = "admin",
                ExpiresInDays = 30,
            }
        );
        var answer = await CreateAsync(acme.Owner, request);

        var invalid = InvitationOutcome.Invalid;
        Assert.Equal(
            [
                InvitationOutcome.Created,
                InvitationOutcome.AlreadyInvited,
                InvitationOutcome.AlreadyInvited,
                InvitationOutcome.AlreadyMember,
                invalid,
                invalid,
                invalid,
                InvitationOutcome.Created,
                invalid,
                invalid,
                invalid,
                invalid,
                invalid,
                InvitationOutcome.Created,
            ],
            answer.Results.Select(result => result.Outcome)
        );
        Assert.Equal(
            ["email", "email", "email", "role", "expiresInDays", "expiresInDays", "organizationId", "organizationId"],
            answer.Results.Where(result => result.Outcome == invalid).Select(result => result.Problem.Split(':')[0])
        );
        Assert.Equal((earlier, answer.Results[0].InvitationId), (answer.Results[1].InvitationId, answer.Results[2].InvitationId));
        Assert.Equal("x@xn--mnchen-3ya.example", answer.Results[7].Email);
        Assert.Equal(
            new InvitationCounts
            {
                Created = 3,
                AlreadyInvited = 2,
                AlreadyMember = 1,
                Invalid = 8,
            },
            answer.Counts
        );

        var listed = (
            await directory.Invitations.ListInvitationsAsync(
                new ListInvitationsRequest { OrganizationId = second },
                directory.As(acme.Viewer)
            )
        ).Invitations;
        Assert.Equal(("admin", TimeSpan.FromDays(30)), (listed[0].Role, (listed[0].ExpiresAt - listed[0].CreatedAt).ToTimeSpan()));
    }

    [Fact]
    public async Task Without_a_word_about_it_an_invitation_is_for_a_member_and_seven_days()
    {
        var (acme, organization) = await ArrangeAsync();
        await CreateAsync(acme.Owner, Rows(organization, "default@example.com"));
        var invitation = Assert.Single(
            (await directory.Invitations.ListInvitationsAsync(new ListInvitationsRequest(), directory.As(acme.Owner))).Invitations
        );
        Assert.Equal(
            ("member", "pending", TimeSpan.FromDays(7)),
            (invitation.Role, invitation.State, (invitation.ExpiresAt - invitation.CreatedAt).ToTimeSpan())
        );
        Assert.Equal(Ids.Format("mbr", acme.Owner.Member!.Value), invitation.InvitedBy);
    }

    [Fact]
    public async Task Only_invalid_rows_change_nothing_and_announce_nothing()
    {
        var (acme, organization) = await ArrangeAsync();
        using var call = directory.Invitations.CreateInvitationsAsync(Rows(organization, "nobody"), directory.As(acme.Owner));
        Assert.Equal(1, (await call).Counts.Invalid);
        Assert.Equal(Outcomes.Unchanged, call.GetTrailers().GetValue(CallMetadata.Outcome));
    }

    [Fact]
    public async Task Eight_at_once_invite_everybody_once()
    {
        var (acme, organization) = await ArrangeAsync();
        var second = (await directory.CreateOrganizationAsync(acme.Owner, "Second")).Id;
        var emails = Enumerable.Range(0, 50).Select(index => $"crowd{index}@example.com").ToArray();
        // Nobody can write invitations until all eight have come as far as they can.
        const string Hold = "lock table directory.invitation in share mode";
        var answers = await directory.RaceAsync(Hold, null, 8, caller =>
        {
            // Half of them name the organizations and the people the other way round: a lock taken in that order would be a deadlock.
            var (first, last) = caller % 2 == 0 ? (organization, second) : (second, organization);
            var request = Rows(first, caller % 2 == 0 ? emails : [.. emails.Reverse()]);
            request.Invitations.AddRange(emails.Select(email => new InvitationRow { Email = email, OrganizationId = last }));
            return CreateAsync(acme.Owner, request);
        });
        Assert.Equal((100, 700), (answers.Sum(answer => answer.Counts.Created), answers.Sum(answer => answer.Counts.AlreadyInvited)));
        Assert.Equal(100, await directory.CountAsync("directory.invitation where workspace_id = $1", acme.Id));
    }

    [Fact]
    public async Task Repeating_with_the_same_idempotency_key_answers_the_same()
    {
        var (acme, organization) = await ArrangeAsync();
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    directory
                        .Invitations.CreateInvitationsAsync(
                            Rows(organization, "once@example.com"),
                            directory.As(acme.Owner, idempotencyKey: "batch")
                        )
                        .ResponseAsync
                )
        );
        Assert.Equal(InvitationOutcome.Created, Assert.Single(answers.Distinct()).Results[0].Outcome);
    }

    [Fact]
    public async Task An_expired_invitation_stays_expired_when_a_new_one_is_made()
    {
        var (acme, organization) = await ArrangeAsync();
        var old = (await CreateAsync(acme.Owner, Rows(organization, "slow@example.com"))).Results[0].InvitationId;
        Ids.TryParse("inv", old, out var id);
        await directory.ExecuteAsync(
            """
            update directory.invitation set created_at = created_at - interval '8 days', expires_at = expires_at - interval '8 days'
            where id = $1
            """,
            id
        );

        var renewed = (await CreateAsync(acme.Owner, Rows(organization, "slow@example.com"))).Results[0];
        Assert.Equal(InvitationOutcome.Created, renewed.Outcome);
        var listed = (
            await directory.Invitations.ListInvitationsAsync(
                new ListInvitationsRequest { Email = "SLOW@example.com" },
                directory.As(acme.Owner)
            )
        ).Invitations;
        Assert.Equal([(renewed.InvitationId, "pending"), (old, "expired")], listed.Select(invitation => (invitation.Id, invitation.State)));
    }

    [Fact]
    public async Task Neither_a_token_nor_the_address_is_announced_or_answered()
    {
        var (acme, organization) = await ArrangeAsync();
        await CreateAsync(acme.Owner, Rows(organization, "private@example.com"));
        Assert.Equal(
            0,
            await directory.CountAsync(
                "platform.outbox where workspace_id = $1 and (envelope like '%private@%' or envelope ilike '%token%hash%')",
                acme.Id
            )
        );
        Assert.DoesNotContain(
            Invitation.Descriptor.Fields.InDeclarationOrder().Concat(InvitationResult.Descriptor.Fields.InDeclarationOrder()),
            field => field.Name.Contains("token", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Without_mail_settings_invitations_are_kept_and_every_answer_says_that_no_mail_leaves()
    {
        var (acme, organization) = await ArrangeAsync();
        var created = await CreateAsync(acme.Owner, Rows(organization, "silent@example.com"));
        var listed = await directory.Invitations.ListInvitationsAsync(new ListInvitationsRequest(), directory.As(acme.Owner));
        var resent = await directory.Invitations.ResendInvitationAsync(
            new ResendInvitationRequest { InvitationId = created.Results[0].InvitationId },
            directory.As(acme.Owner)
        );
        Assert.All([created.MailNotice, listed.MailNotice, resent.MailNotice], notice =>
            Assert.StartsWith("No mail leaves", notice, StringComparison.Ordinal)
        );
        Assert.Equal(("pending", "waiting"), (listed.Invitations[0].State, listed.Invitations[0].Mail));
    }

    [Fact]
    public async Task More_than_a_thousand_rows_and_none_are_refused()
    {
        var (acme, organization) = await ArrangeAsync();
        Assert.Equal("INVALID_ARGUMENT", await ReasonAsync(acme.Owner, Rows(organization, [.. Enumerable.Repeat("a@example.com", 1001)])));
        Assert.Equal("INVALID_ARGUMENT", await ReasonAsync(acme.Owner, Rows(organization)));
    }

    [Fact]
    public async Task An_organization_of_elsewhere_is_not_found_and_viewers_may_not()
    {
        var (acme, organization) = await ArrangeAsync();
        var other = await directory.AddWorkspaceAsync();
        foreach (var caller in new[] { other.Owner, acme.InProduction })
        {
            Assert.Equal(InvitationOutcome.Invalid, (await CreateAsync(caller, Rows(organization, "a@example.com"))).Results[0].Outcome);
        }

        Assert.Equal("PERMISSION_DENIED", await ReasonAsync(acme.Viewer, Rows(organization, "a@example.com")));
        Assert.Equal(0, await directory.CountAsync("directory.invitation where organization_id = $1", IdOf(organization)));
    }

    [Fact]
    public async Task A_dry_run_tells_and_changes_nothing()
    {
        var (acme, organization) = await ArrangeAsync();
        var answer = await directory.Invitations.CreateInvitationsAsync(
            Rows(organization, "dry@example.com", "bad"),
            directory.As(acme.Owner, dryRun: true)
        );
        Assert.Equal(new InvitationCounts { Created = 1, Invalid = 1 }, answer.Counts);
        Assert.Equal(0, await directory.CountAsync("directory.invitation where workspace_id = $1", acme.Id));
    }

    private static Guid IdOf(string organization) => Ids.TryParse("org", organization, out var id) ? id : default;

    private static CreateInvitationsRequest Rows(string organization, params string[] emails) =>
        new() { OrganizationId = organization, Invitations = { emails.Select(email => new InvitationRow { Email = email }) } };

    private async Task<(TestWorkspace Workspace, string Organization)> ArrangeAsync()
    {
        var acme = await directory.AddWorkspaceAsync();
        return (acme, (await directory.CreateOrganizationAsync(acme.Owner)).Id);
    }

    private async Task<CreateInvitationsResponse> CreateAsync(TestCaller caller, CreateInvitationsRequest request) =>
        await directory.Invitations.CreateInvitationsAsync(request, directory.As(caller));

    private Task<string?> ReasonAsync(TestCaller caller, CreateInvitationsRequest request) =>
        Calls.ReasonAsync(directory.Invitations.CreateInvitationsAsync(request, directory.As(caller)));
}
