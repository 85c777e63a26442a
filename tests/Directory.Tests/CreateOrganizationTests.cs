using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class CreateOrganizationTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task What_was_created_can_be_read_and_was_announced()
    {
        var acme = await directory.AddWorkspaceAsync();
        var request = new CreateOrganizationRequest
        {
            Name = "  Globex Corporation ",
            Domains = { "GLOBEX.example", "globex.example", "münchen.example" },
            Metadata = DirectoryFixture.Json("""{"plan":"gold","tier":"1"}"""),
            ExternalId = "crm-1",
        };
        var created = (await directory.Organizations.CreateOrganizationAsync(request, directory.As(acme.Owner))).Organization;

        Assert.Equal("Globex Corporation", created.Name);
        Assert.Equal(
            [("globex.example", "pending"), ("xn--mnchen-3ya.example", "pending")],
            created.Domains.Select(domain => (domain.Domain, domain.State))
        );
        Assert.Equal(1, created.Version);
        var read = (
            await directory.Organizations.GetOrganizationAsync(
                new GetOrganizationRequest { ExternalId = "crm-1" },
                directory.As(acme.Owner)
            )
        ).Organization;
        Assert.Equal("""{"plan": "gold", "tier": "1"}""", read.Metadata.Utf8.ToStringUtf8());
        read.Metadata = created.Metadata;
        Assert.Equal(created, read);

        var announced = await directory.Events.WaitAsync(happened => happened.WorkspaceId == acme.Id);
        Assert.Equal(("organization.created", acme.Sandbox), (announced.Action, announced.EnvironmentId));
        Assert.Equal(created.Id, Assert.Single(Assert.Single(announced.Targets).Ids));
        Assert.Equal(["globex.example", "xn--mnchen-3ya.example"], announced.Read<OrganizationCreated>().Domains);
    }

    [Fact]
    public async Task Repeating_with_the_same_idempotency_key_creates_nothing_new()
    {
        var acme = await directory.AddWorkspaceAsync();
        var request = new CreateOrganizationRequest { Name = "Once" };
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    directory.Organizations.CreateOrganizationAsync(request, directory.As(acme.Owner, idempotencyKey: "k1")).ResponseAsync
                )
        );
        Assert.Single(answers.Select(answer => answer.Organization.Id).Distinct());
        Assert.Equal(1, await directory.CountAsync("directory.organization where workspace_id = $1", acme.Id));

        var reused = await directory
            .Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest { Name = "Twice" },
                directory.As(acme.Owner, idempotencyKey: "k1")
            )
            .ProblemAsync();
        Assert.Equal("IDEMPOTENCY_KEY_REUSED", reused.Reason);
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        var acme = await directory.AddWorkspaceAsync();
        await directory.Organizations.CreateOrganizationAsync(
            new CreateOrganizationRequest { Name = "Dry" },
            directory.As(acme.Owner, dryRun: true)
        );
        Assert.Equal(0, await directory.CountAsync("directory.organization where workspace_id = $1", acme.Id));
    }

    [Fact]
    public async Task Viewers_and_editors_may_not()
    {
        var acme = await directory.AddWorkspaceAsync();
        foreach (var caller in new[] { acme.Viewer, acme.Editor })
        {
            var problem = await directory
                .Organizations.CreateOrganizationAsync(new CreateOrganizationRequest { Name = "No" }, directory.As(caller))
                .ProblemAsync();
            Assert.Equal("PERMISSION_DENIED", problem.Reason);
        }
    }

    [Fact]
    public async Task An_environment_of_another_workspace_cannot_be_written_to()
    {
        var (acme, other) = (await directory.AddWorkspaceAsync(), await directory.AddWorkspaceAsync());
        await directory
            .Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest { Name = "Crossed" },
                directory.As(acme.Owner with { Environment = other.Sandbox })
            )
            .ProblemAsync();
        Assert.Equal(0, await directory.CountAsync("directory.organization where workspace_id = any($1)", new[] { acme.Id, other.Id }));
    }

    [Fact]
    public async Task Of_eight_with_one_external_id_one_wins()
    {
        var acme = await directory.AddWorkspaceAsync();
        var reasons = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(index =>
                    Calls.ReasonAsync(
                        directory.Organizations.CreateOrganizationAsync(
                            new CreateOrganizationRequest { Name = $"Rival {index}", ExternalId = "same" },
                            directory.As(acme.Owner)
                        )
                    )
                )
        );
        Assert.Equal(1, reasons.Count(reason => reason is null));
        Assert.Equal(7, reasons.Count(reason => reason == "EXTERNAL_ID_TAKEN"));
    }

    [Fact]
    public async Task An_external_id_is_free_again_in_another_environment()
    {
        var acme = await directory.AddWorkspaceAsync();
        var request = new CreateOrganizationRequest { Name = "Both", ExternalId = "both" };
        await directory.Organizations.CreateOrganizationAsync(request, directory.As(acme.Owner));
        await directory.Organizations.CreateOrganizationAsync(request, directory.As(acme.InProduction));
    }

    [Fact]
    public async Task Anybody_can_name_a_domain_until_somebody_has_verified_it()
    {
        var acme = await directory.AddWorkspaceAsync();
        var first = await directory.CreateOrganizationAsync(acme.Owner, "First", "claimed.example");
        await directory.CreateOrganizationAsync(acme.Owner, "Second", "claimed.example");
        Ids.TryParse("org", first.Id, out var id);
        await directory.ExecuteAsync("update directory.organization_domain set state = 'verified' where organization_id = $1", id);

        var problem = await directory
            .Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest { Name = "Third", Domains = { "claimed.example" } },
                directory.As(acme.Owner)
            )
            .ProblemAsync();
        Assert.Equal("DOMAIN_TAKEN", problem.Reason);
        Assert.Equal(2, await directory.CountAsync("directory.organization where workspace_id = $1", acme.Id));
        await directory.CreateOrganizationAsync(acme.InProduction, "Elsewhere", "claimed.example");
    }

    [Theory]
    [InlineData("", null, null, null, "name")]
    [InlineData("   ", null, null, null, "name")]
    [InlineData("two\nlines", null, null, null, "name")]
    [InlineData("A", "https://a.example", null, null, "domains[0]")]
    [InlineData("A", "localhost", null, null, "domains[0]")]
    [InlineData("A", null, "[]", null, "metadata")]
    [InlineData("A", null, """{"a":1}""", null, "metadata.a")]
    [InlineData("A", null, """{"a":null}""", null, "metadata.a")]
    [InlineData("A", null, """{"a":"1","a":"2"}""", null, "metadata")]
    [InlineData("A", null, """{"a":"\ud800"}""", null, "metadata")]
    [InlineData("A", null, """{"a":"\u0000"}""", null, "metadata.a")]
    [InlineData("A", null, "{", null, "metadata")]
    [InlineData("A", null, null, "grün", "externalId")]
    [InlineData("A", null, null, "with space", "externalId")]
    public async Task A_field_that_breaks_a_rule_is_named(string name, string? domain, string? metadata, string? externalId, string field)
    {
        var acme = await directory.AddWorkspaceAsync();
        var request = new CreateOrganizationRequest
        {
            Name = name,
            ExternalId = externalId ?? "",
            Metadata = metadata is null ? null : DirectoryFixture.Json(metadata),
        };
        if (domain is not null)
        {
            request.Domains.Add(domain);
        }

        var problem = await directory.Organizations.CreateOrganizationAsync(request, directory.As(acme.Owner)).ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
    }

    [Fact]
    public async Task Metadata_holds_50_keys_of_40_characters_with_600_and_no_more()
    {
        var acme = await directory.AddWorkspaceAsync();
        string Keys(int count, int keyLength, int valueLength) =>
            "{"
            + string.Join(
                ',',
                Enumerable
                    .Range(0, count)
                    .Select(index => $"\"{index.ToString("D2", null).PadRight(keyLength, 'k')}\":\"{new string('é', valueLength)}\"")
            )
            + "}";
        Task<string?> Try(int count, int keyLength, int valueLength) =>
            Calls.ReasonAsync(
                directory.Organizations.CreateOrganizationAsync(
                    new CreateOrganizationRequest { Name = "Meta", Metadata = DirectoryFixture.Json(Keys(count, keyLength, valueLength)) },
                    directory.As(acme.Owner)
                )
            );

        Assert.Null(await Try(50, 40, 600));
        Assert.Equal("INVALID_ARGUMENT", await Try(51, 40, 600));
        Assert.Equal("INVALID_ARGUMENT", await Try(1, 41, 1));
        Assert.Equal("INVALID_ARGUMENT", await Try(1, 1 + 1, 601));
    }
}
