using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class UpdateOrganizationTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task What_is_not_sent_stays_and_what_changed_is_announced_before_and_after()
    {
        var acme = await directory.AddWorkspaceAsync();
        var before = (
            await directory.Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest
                {
                    Name = "Globex",
                    ExternalId = "crm-1",
                    Domains = { "globex.example" },
                    Metadata = DirectoryFixture.Json("""{"plan":"gold"}"""),
                },
                directory.As(acme.Owner)
            )
        ).Organization;

        var after = await UpdateAsync(
            acme.Owner,
            new UpdateOrganizationRequest
            {
                OrganizationId = before.Id,
                Name = "Globex Inc",
                AddDomains = { "GLOBEX.test" },
            }
        );

        Assert.Equal(("Globex Inc", "crm-1", 2), (after.Name, after.ExternalId, after.Version));
        Assert.Equal(["globex.example", "globex.test"], after.Domains.Select(domain => domain.Domain));
        Assert.Equal(after, await GetAsync(acme.Owner, before.Id));
        var announced = await directory.Events.WaitAsync(happened =>
            happened.WorkspaceId == acme.Id && happened.Type == nameof(OrganizationUpdated)
        );
        Assert.Equal("organization.updated", announced.Action);
        Assert.Equal(
            [new FieldChange("name", "Globex", "Globex Inc"), new FieldChange("domains", null, "globex.test")],
            announced.Read<OrganizationUpdated>().Changes
        );
    }

    [Theory]
    [InlineData(MetadataMode.Unspecified, """{"b":"3","c":"4"}""", """{"a": "1", "b": "3", "c": "4"}""")]
    [InlineData(MetadataMode.Merge, """{"a":null}""", """{"b": "2"}""")]
    [InlineData(MetadataMode.Replace, """{"c":"4"}""", """{"c": "4"}""")]
    [InlineData(MetadataMode.Replace, "{}", "{}")]
    public async Task Metadata_is_merged_unless_it_is_to_be_replaced(MetadataMode mode, string sent, string kept)
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = (
            await directory.Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest { Name = "Meta", Metadata = DirectoryFixture.Json("""{"a":"1","b":"2"}""") },
                directory.As(acme.Owner)
            )
        ).Organization;
        await UpdateAsync(
            acme.Owner,
            new UpdateOrganizationRequest
            {
                OrganizationId = created.Id,
                Metadata = DirectoryFixture.Json(sent),
                MetadataMode = mode,
            }
        );
        Assert.Equal(kept, (await GetAsync(acme.Owner, created.Id)).Metadata.Utf8.ToStringUtf8());
    }

    [Fact]
    public async Task Merging_cannot_pass_fifty_keys()
    {
        var acme = await directory.AddWorkspaceAsync();
        var keys = "{" + string.Join(',', Enumerable.Range(0, 50).Select(index => $"\"k{index}\":\"v\"")) + "}";
        var created = (
            await directory.Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest { Name = "Full", Metadata = DirectoryFixture.Json(keys) },
                directory.As(acme.Owner)
            )
        ).Organization;
        Assert.Equal(
            "INVALID_ARGUMENT",
            await ReasonAsync(
                acme.Owner,
                new UpdateOrganizationRequest { OrganizationId = created.Id, Metadata = DirectoryFixture.Json("""{"one_more":"v"}""") }
            )
        );
        await UpdateAsync(
            acme.Owner,
            new UpdateOrganizationRequest
            {
                OrganizationId = created.Id,
                Metadata = DirectoryFixture.Json("""{"one_more":"v","k0":null}"""),
            }
        );
    }

    [Fact]
    public async Task Repeating_it_changes_and_announces_nothing()
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = await directory.CreateOrganizationAsync(acme.Owner);
        var request = new UpdateOrganizationRequest
        {
            OrganizationId = created.Id,
            Name = "New",
            AddDomains = { "new.example" },
            RemoveDomains = { "never.example" },
        };
        await UpdateAsync(acme.Owner, request);

        using var again = directory.Organizations.UpdateOrganizationAsync(request, directory.As(acme.Owner));
        Assert.Equal(2, (await again).Organization.Version);
        Assert.Equal(Outcomes.Unchanged, again.GetTrailers().GetValue(CallMetadata.Outcome));
        Assert.Equal(2, await directory.CountAsync("platform.outbox where workspace_id = $1", acme.Id));
    }

    [Fact]
    public async Task An_empty_external_id_removes_it_and_a_taken_one_is_refused()
    {
        var acme = await directory.AddWorkspaceAsync();
        var organization = (
            await directory.Organizations.CreateOrganizationAsync(
                new CreateOrganizationRequest { Name = "A", ExternalId = "a" },
                directory.As(acme.Owner)
            )
        ).Organization;
        await directory.Organizations.CreateOrganizationAsync(
            new CreateOrganizationRequest { Name = "B", ExternalId = "b" },
            directory.As(acme.Owner)
        );

        Assert.Equal(
            "EXTERNAL_ID_TAKEN",
            await ReasonAsync(acme.Owner, new UpdateOrganizationRequest { OrganizationId = organization.Id, ExternalId = "b" })
        );
        await UpdateAsync(acme.Owner, new UpdateOrganizationRequest { OrganizationId = organization.Id, ExternalId = "" });
        Assert.Empty((await GetAsync(acme.Owner, organization.Id)).ExternalId);
    }

    [Fact]
    public async Task Of_eight_that_expect_the_same_version_one_wins()
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = await directory.CreateOrganizationAsync(acme.Owner);
        Ids.TryParse("org", created.Id, out var id);
        var reasons = await directory.RaceAsync("select from directory.organization where id = $1 for update", id, 8, index => ReasonAsync(
                acme.Owner,
                new UpdateOrganizationRequest
                {
                    OrganizationId = created.Id,
                    Name = $"Name {index}",
                    ExpectedVersion = 1,
                }
            ));
        Assert.Equal(1, reasons.Count(reason => reason is null));
        Assert.Equal(7, reasons.Count(reason => reason == "VERSION_CONFLICT"));
    }

    [Fact]
    public async Task Eight_at_once_that_add_domains_lose_none()
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = await directory.CreateOrganizationAsync(acme.Owner);
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(index =>
                    UpdateAsync(
                        acme.Owner,
                        new UpdateOrganizationRequest
                        {
                            OrganizationId = created.Id,
                            AddDomains = { $"d{index}.example", "shared.example" },
                        }
                    )
                )
        );
        var organization = await GetAsync(acme.Owner, created.Id);
        Assert.Equal((9, 9), (organization.Domains.Count, organization.Version));
    }

    [Fact]
    public async Task From_elsewhere_it_is_not_found_and_viewers_may_not()
    {
        var (acme, other) = (await directory.AddWorkspaceAsync(), await directory.AddWorkspaceAsync());
        var organization = await directory.CreateOrganizationAsync(acme.Owner);
        var request = new UpdateOrganizationRequest { OrganizationId = organization.Id, Name = "Stolen" };
        Assert.Equal("NOT_FOUND", await ReasonAsync(other.Owner, request));
        Assert.Equal("NOT_FOUND", await ReasonAsync(acme.InProduction, request));
        Assert.Equal("PERMISSION_DENIED", await ReasonAsync(acme.Viewer, request));
        Assert.Equal("Globex", (await GetAsync(acme.Owner, request.OrganizationId)).Name);
    }

    [Fact]
    public async Task Requests_that_contradict_themselves_are_refused()
    {
        var acme = await directory.AddWorkspaceAsync();
        var id = (await directory.CreateOrganizationAsync(acme.Owner)).Id;
        Assert.Equal("INVALID_ARGUMENT", await ReasonAsync(acme.Owner, new UpdateOrganizationRequest { OrganizationId = id, Name = "" }));
        Assert.Equal(
            "INVALID_ARGUMENT",
            await ReasonAsync(acme.Owner, new UpdateOrganizationRequest { OrganizationId = id, MetadataMode = MetadataMode.Replace })
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await ReasonAsync(
                acme.Owner,
                new UpdateOrganizationRequest
                {
                    OrganizationId = id,
                    Metadata = DirectoryFixture.Json("""{"a":null}"""),
                    MetadataMode = MetadataMode.Replace,
                }
            )
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await ReasonAsync(
                acme.Owner,
                new UpdateOrganizationRequest
                {
                    OrganizationId = id,
                    AddDomains = { "a.example" },
                    RemoveDomains = { "A.example" },
                }
            )
        );
        Assert.Equal("INVALID_ARGUMENT", await ReasonAsync(acme.Owner, new UpdateOrganizationRequest { Name = "No id" }));
    }

    [Fact]
    public async Task An_organization_has_at_most_fifty_domains()
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = await directory.CreateOrganizationAsync(
            acme.Owner,
            "Many",
            [.. Enumerable.Range(0, 50).Select(index => $"d{index}.example")]
        );
        Assert.Equal(
            "INVALID_ARGUMENT",
            await ReasonAsync(acme.Owner, new UpdateOrganizationRequest { OrganizationId = created.Id, AddDomains = { "more.example" } })
        );
        await UpdateAsync(
            acme.Owner,
            new UpdateOrganizationRequest
            {
                OrganizationId = created.Id,
                AddDomains = { "more.example" },
                RemoveDomains = { "d0.example" },
            }
        );
    }

    private async Task<Organization> UpdateAsync(TestCaller caller, UpdateOrganizationRequest request) =>
        (await directory.Organizations.UpdateOrganizationAsync(request, directory.As(caller))).Organization;

    private Task<string?> ReasonAsync(TestCaller caller, UpdateOrganizationRequest request) =>
        Calls.ReasonAsync(directory.Organizations.UpdateOrganizationAsync(request, directory.As(caller)));

    private async Task<Organization> GetAsync(TestCaller caller, string id) =>
        (
            await directory.Organizations.GetOrganizationAsync(new GetOrganizationRequest { OrganizationId = id }, directory.As(caller))
        ).Organization;
}
