using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class UsersTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task A_new_user_is_kept_normalised_and_found_by_each_of_its_keys()
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = (
            await directory.Users.CreateUserAsync(
                new CreateUserRequest
                {
                    Email = " Ada@MÜNCHEN.example ",
                    FirstName = " Ada ",
                    LastName = "Lovelace",
                    ExternalId = "crm-7",
                    Metadata = DirectoryFixture.Json("""{"plan":"gold"}"""),
                },
                directory.As(acme.Owner)
            )
        ).User;

        Assert.Equal(
            ("ada@xn--mnchen-3ya.example", "Ada", "Lovelace", "crm-7", "active", 1),
            (created.Email, created.FirstName, created.LastName, created.ExternalId, created.State, created.Version)
        );
        foreach (
            var key in new[]
            {
                new GetUserRequest { UserId = created.Id },
                new GetUserRequest { Email = "ADA@xn--mnchen-3ya.example" },
                new GetUserRequest { ExternalId = "crm-7" },
            }
        )
        {
            var found = (await directory.Users.GetUserAsync(key, directory.As(acme.Viewer))).User;
            Assert.Equal("""{"plan": "gold"}""", found.Metadata.Utf8.ToStringUtf8());
            found.Metadata = created.Metadata;
            Assert.Equal(created, found);
        }

        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(UserCreated)
        );
        Assert.Equal((created.Id, "user.created"), (announced.Read<UserCreated>().UserId, announced.Action));
        Assert.DoesNotContain("ada@", announced.Payload.GetRawText(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task An_address_belongs_to_one_user_of_an_environment_even_when_eight_come_at_once()
    {
        var acme = await directory.AddWorkspaceAsync();
        var reasons = await directory.RaceAsync("lock table directory.directory_user in share mode", null, 8, index =>
            Calls.ReasonAsync(
                directory.Users.CreateUserAsync(
                    new CreateUserRequest { Email = index % 2 == 0 ? "one@example.com" : "ONE@example.com" },
                    directory.As(acme.Owner)
                )
            )
        );
        Assert.Equal(1, reasons.Count(reason => reason is null));
        Assert.Equal(7, reasons.Count(reason => reason == "EMAIL_TAKEN"));
        await directory.CreateUserAsync(acme.InProduction, "one@example.com");
        await directory.CreateUserAsync((await directory.AddWorkspaceAsync()).Owner, "one@example.com");
    }

    [Fact]
    public async Task Repeating_with_the_same_idempotency_key_makes_one_user()
    {
        var acme = await directory.AddWorkspaceAsync();
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    directory
                        .Users.CreateUserAsync(
                            new CreateUserRequest { Email = "once@example.com" },
                            directory.As(acme.Owner, idempotencyKey: "user")
                        )
                        .ResponseAsync
                )
        );
        Assert.Single(answers.Distinct());
    }

    [Theory]
    [InlineData("nobody", "", "", "", "email")]
    [InlineData("a@example.com", "two\nlines", "", "", "firstName")]
    [InlineData("a@example.com", "", "a\ttab", "", "lastName")]
    [InlineData("a@example.com", "", "", "ü", "externalId")]
    public async Task A_bad_field_is_named_and_creates_nothing(string email, string first, string last, string externalId, string field)
    {
        var acme = await directory.AddWorkspaceAsync();
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await directory.Users.CreateUserAsync(
                new CreateUserRequest
                {
                    Email = email,
                    FirstName = first,
                    LastName = last,
                    ExternalId = externalId,
                },
                directory.As(acme.Owner)
            )
        );
        Assert.Equal(field, Assert.Single(Problem.Read(refused)!.Violations).Field);
        Assert.Equal(0, await directory.CountAsync("directory.directory_user where workspace_id = $1", acme.Id));
    }

    [Fact]
    public async Task Lists_search_filter_and_page()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        var users = new List<User>();
        foreach (var name in new[] { "Ada", "Bob", "Cleo" })
        {
            users.Add(
                (
                    await directory.Users.CreateUserAsync(
                        new CreateUserRequest
                        {
                            Email = $"{name}@example.com",
                            FirstName = name,
                            LastName = "Smith",
                        },
                        directory.As(acme.Owner)
                    )
                ).User
            );
        }

        await directory.Users.CreateMembershipAsync(
            new CreateMembershipRequest { OrganizationId = organization, UserId = users[1].Id },
            directory.As(acme.Owner)
        );
        await directory.Users.UpdateUserAsync(
            new UpdateUserRequest { UserId = users[2].Id, State = "deactivated" },
            directory.As(acme.Owner)
        );

        Assert.Equal([users[0].Id], await ListAsync(new ListUsersRequest { Search = "aDA sm" }));
        Assert.Equal([users[1].Id], await ListAsync(new ListUsersRequest { Search = "bob@" }));
        Assert.Equal([users[1].Id], await ListAsync(new ListUsersRequest { OrganizationId = organization }));
        Assert.Equal([users[2].Id], await ListAsync(new ListUsersRequest { State = "deactivated" }));
        var page = await directory.Users.ListUsersAsync(new ListUsersRequest { Limit = 2 }, directory.As(acme.Viewer));
        Assert.Equal([users[2].Id, users[1].Id], page.Users.Select(user => user.Id));
        Assert.True(page.Page.HasMore);
        Assert.Equal([users[0].Id], await ListAsync(new ListUsersRequest { Limit = 2, Cursor = page.Page.NextCursor }));
        Assert.Empty((await directory.Users.ListUsersAsync(new ListUsersRequest(), directory.As(acme.InProduction))).Users);

        async Task<string[]> ListAsync(ListUsersRequest request) =>
            [.. (await directory.Users.ListUsersAsync(request, directory.As(acme.Viewer))).Users.Select(user => user.Id)];
    }

    [Fact]
    public async Task An_update_changes_what_is_sent_and_announces_which_fields()
    {
        var acme = await directory.AddWorkspaceAsync();
        var before = (
            await directory.Users.CreateUserAsync(
                new CreateUserRequest
                {
                    Email = "old@example.com",
                    FirstName = "Ada",
                    ExternalId = "x",
                    Metadata = DirectoryFixture.Json("""{"a":"1","b":"2"}"""),
                },
                directory.As(acme.Owner)
            )
        ).User;
        var after = (
            await directory.Users.UpdateUserAsync(
                new UpdateUserRequest
                {
                    UserId = before.Id,
                    Email = "New@example.com",
                    ExternalId = "",
                    State = "deactivated",
                    Metadata = DirectoryFixture.Json("""{"a":null}"""),
                    ExpectedVersion = 1,
                },
                directory.As(acme.Owner)
            )
        ).User;
        Assert.Equal(
            ("new@example.com", "Ada", "", "deactivated", 2),
            (after.Email, after.FirstName, after.ExternalId, after.State, after.Version)
        );
        Assert.Equal("""{"b":"2"}""", after.Metadata.Utf8.ToStringUtf8());
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(UserUpdated)
        );
        Assert.Equal(["email", "externalId", "state", "metadata.a"], announced.Read<UserUpdated>().Fields);

        using var again = directory.Users.UpdateUserAsync(
            new UpdateUserRequest { UserId = before.Id, Email = "new@example.com" },
            directory.As(acme.Owner)
        );
        Assert.Equal(2, (await again).User.Version);
        Assert.Equal(Outcomes.Unchanged, again.GetTrailers().GetValue(CallMetadata.Outcome));
        Assert.Equal(
            "VERSION_CONFLICT",
            await UpdateAsync(
                acme.Owner,
                new UpdateUserRequest
                {
                    UserId = before.Id,
                    Email = "newer@example.com",
                    ExpectedVersion = 1,
                }
            )
        );

        // A version alone is nothing to change.
        Assert.Equal("INVALID_ARGUMENT", await UpdateAsync(acme.Owner, new UpdateUserRequest { UserId = before.Id, ExpectedVersion = 1 }));
        await directory.CreateUserAsync(acme.Owner, "taken@example.com");
        Assert.Equal(
            "EMAIL_TAKEN",
            await UpdateAsync(acme.Owner, new UpdateUserRequest { UserId = before.Id, Email = "taken@example.com" })
        );
        Assert.Equal("INVALID_ARGUMENT", await UpdateAsync(acme.Owner, new UpdateUserRequest { UserId = before.Id, State = "asleep" }));
    }

    [Fact]
    public async Task Eight_updates_at_once_of_one_version_are_one_change()
    {
        var acme = await directory.AddWorkspaceAsync();
        var user = await directory.CreateUserAsync(acme.Owner, "busy@example.com");
        Ids.TryParse("usr", user.Id, out var id);
        var reasons = await directory.RaceAsync("select from directory.directory_user where id = $1 for update", id, 8, index =>
            UpdateAsync(
                acme.Owner,
                new UpdateUserRequest
                {
                    UserId = user.Id,
                    FirstName = $"Name {index}",
                    ExpectedVersion = 1,
                }
            )
        );
        Assert.Equal((1, 7), (reasons.Count(reason => reason is null), reasons.Count(reason => reason == "VERSION_CONFLICT")));
    }

    [Fact]
    public async Task Deleting_tells_first_what_goes_and_then_takes_the_memberships_along()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = await directory.CreateOrganizationAsync(acme.Owner, "Globex");
        var user = await directory.CreateUserAsync(acme.Owner, "gone@example.com");
        await directory.Users.CreateMembershipAsync(
            new CreateMembershipRequest { OrganizationId = organization.Id, UserId = user.Id },
            directory.As(acme.Owner)
        );

        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await directory.Users.DeleteUserAsync(new DeleteUserRequest { UserId = user.Id }, directory.As(acme.Owner))
        );
        var confirmation = Problem.Read(refused)!.Confirmation;
        Assert.Equal(
            $$$"""{"user":{"id":"{{{user.Id}}}","email":"gone@example.com"}"""
                + ""","memberships":1,"organizations":["Globex"],"organizationsNotNamed":0}""",
            confirmation.Preview.Utf8.ToStringUtf8()
        );

        var reasons = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    Calls.ReasonAsync(
                        directory.Users.DeleteUserAsync(
                            new DeleteUserRequest { UserId = user.Id },
                            directory.As(acme.Owner, confirmation: confirmation.Token)
                        )
                    )
                )
        );
        Assert.Equal(1, reasons.Count(reason => reason is null));
        Assert.All(reasons.Where(reason => reason is not null), reason =>
            Assert.True(reason is "NOT_FOUND" or "CONFIRMATION_USED", reason)
        );
        Assert.Equal(0, await directory.CountAsync("directory.membership where workspace_id = $1", acme.Id));
        Assert.Equal(1, await directory.CountAsync("directory.organization where workspace_id = $1", acme.Id));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(UserDeleted)
        );
        Assert.Equal((user.Id, 1), (announced.Read<UserDeleted>().UserId, announced.Read<UserDeleted>().Memberships));
    }

    [Fact]
    public async Task A_membership_made_after_the_preview_asks_for_a_new_one()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = await directory.CreateOrganizationAsync(acme.Owner);
        var user = await directory.CreateUserAsync(acme.Owner, "stale@example.com");
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await directory.Users.DeleteUserAsync(new DeleteUserRequest { UserId = user.Id }, directory.As(acme.Owner))
        );
        await directory.Users.CreateMembershipAsync(
            new CreateMembershipRequest { OrganizationId = organization.Id, UserId = user.Id },
            directory.As(acme.Owner)
        );
        Assert.Equal(
            "CONFIRMATION_STALE",
            await Calls.ReasonAsync(
                directory.Users.DeleteUserAsync(
                    new DeleteUserRequest { UserId = user.Id },
                    directory.As(acme.Owner, confirmation: Problem.Read(refused)!.Confirmation.Token)
                )
            )
        );
    }

    [Fact]
    public async Task From_elsewhere_a_user_is_not_found_and_roles_bind()
    {
        var acme = await directory.AddWorkspaceAsync();
        var user = (await directory.CreateUserAsync(acme.Owner, "hidden@example.com")).Id;
        foreach (var stranger in new[] { acme.InProduction, (await directory.AddWorkspaceAsync()).Owner })
        {
            var who = directory.As(stranger);
            Assert.Equal("NOT_FOUND", await Calls.ReasonAsync(directory.Users.GetUserAsync(new GetUserRequest { UserId = user }, who)));
            Assert.Equal(
                "NOT_FOUND",
                await Calls.ReasonAsync(directory.Users.GetUserAsync(new GetUserRequest { Email = "hidden@example.com" }, who))
            );
            Assert.Equal("NOT_FOUND", await UpdateAsync(stranger, new UpdateUserRequest { UserId = user, FirstName = "X" }));
            Assert.Equal(
                "NOT_FOUND",
                await Calls.ReasonAsync(directory.Users.DeleteUserAsync(new DeleteUserRequest { UserId = user }, who))
            );
        }

        Assert.Equal(
            "PERMISSION_DENIED",
            await Calls.ReasonAsync(
                directory.Users.CreateUserAsync(new CreateUserRequest { Email = "a@example.com" }, directory.As(acme.Editor))
            )
        );
        Assert.Equal("PERMISSION_DENIED", await UpdateAsync(acme.Editor, new UpdateUserRequest { UserId = user }));
        Assert.Equal(
            "PERMISSION_DENIED",
            await Calls.ReasonAsync(directory.Users.DeleteUserAsync(new DeleteUserRequest { UserId = user }, directory.As(acme.Editor)))
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await Calls.ReasonAsync(
                directory.Users.GetUserAsync(new GetUserRequest { UserId = user, Email = "a@example.com" }, directory.As(acme.Owner))
            )
        );
        Assert.Equal("INVALID_ARGUMENT", await UpdateAsync(acme.Owner, new UpdateUserRequest { UserId = "usr_x" }));
    }

    private Task<string?> UpdateAsync(TestCaller caller, UpdateUserRequest request) =>
        Calls.ReasonAsync(directory.Users.UpdateUserAsync(request, directory.As(caller)));
}
