using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class ListOrganizationsTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task Pages_show_every_organization_once_newest_first_and_say_when_they_end()
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = new List<string>();
        for (var index = 0; index < 7; index++)
        {
            created.Insert(0, (await directory.CreateOrganizationAsync(acme.Owner, $"Company {index}")).Id);
        }

        var (listed, pages, request) = (new List<string>(), 0, new ListOrganizationsRequest { Limit = 3 });
        while (true)
        {
            var page = await ListAsync(request, acme.Viewer);
            listed.AddRange(page.Organizations.Select(organization => organization.Id));
            pages++;
            if (!page.Page.HasMore)
            {
                Assert.Empty(page.Page.NextCursor);
                break;
            }

            request.Cursor = page.Page.NextCursor;
        }

        Assert.Equal(3, pages);
        Assert.Equal(created, listed);
    }

    [Fact]
    public async Task A_page_that_is_exactly_full_is_the_last()
    {
        var acme = await directory.AddWorkspaceAsync();
        await directory.CreateOrganizationAsync(acme.Owner);
        Assert.False((await ListAsync(new ListOrganizationsRequest { Limit = 1 }, acme.Owner)).Page.HasMore);
    }

    [Theory]
    [InlineData("GLOB", "", 1)]
    [InlineData("%", "", 0)]
    [InlineData("_", "", 0)]
    [InlineData("", "Globex.Example", 1)]
    [InlineData("", "other.example", 1)]
    [InlineData("Initech", "globex.example", 0)]
    [InlineData("", "", 2)]
    public async Task Search_is_a_part_of_the_name_and_a_domain_is_exact(string search, string domain, int found)
    {
        var acme = await directory.AddWorkspaceAsync();
        await directory.CreateOrganizationAsync(acme.Owner, "Globex Corporation", "globex.example");
        await directory.CreateOrganizationAsync(acme.Owner, "Initech", "initech.example", "other.example");
        Assert.Equal(
            found,
            (await ListAsync(new ListOrganizationsRequest { Search = search, Domain = domain }, acme.Owner)).Organizations.Count
        );
    }

    [Fact]
    public async Task Another_workspace_and_another_environment_list_nothing_of_it()
    {
        var (acme, other) = (await directory.AddWorkspaceAsync(), await directory.AddWorkspaceAsync());
        await directory.CreateOrganizationAsync(acme.Owner, "Hidden", "hidden.example");
        foreach (var caller in new[] { other.Owner, acme.InProduction })
        {
            Assert.Empty((await ListAsync(new ListOrganizationsRequest(), caller)).Organizations);
            Assert.Empty((await ListAsync(new ListOrganizationsRequest { Domain = "hidden.example" }, caller)).Organizations);
        }
    }

    [Fact]
    public async Task Metadata_is_left_to_get_organization()
    {
        var acme = await directory.AddWorkspaceAsync();
        await directory.CreateOrganizationAsync(acme.Owner);
        Assert.Null(Assert.Single((await ListAsync(new ListOrganizationsRequest(), acme.Owner)).Organizations).Metadata);
    }

    [Theory]
    [InlineData(0, "", "", "limit")]
    [InlineData(201, "", "", "limit")]
    [InlineData(1, "no cursor", "", "cursor")]
    [InlineData(1, "", "no domain", "domain")]
    public async Task A_field_that_breaks_a_rule_is_named(int limit, string cursor, string domain, string field)
    {
        var acme = await directory.AddWorkspaceAsync();
        var problem = await directory
            .Organizations.ListOrganizationsAsync(
                new ListOrganizationsRequest
                {
                    Limit = limit,
                    Cursor = cursor,
                    Domain = domain,
                },
                directory.As(acme.Owner)
            )
            .ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", field), (problem.Reason, Assert.Single(problem.Violations).Field));
    }

    [Fact]
    public async Task Without_the_permission_it_is_refused()
    {
        var acme = await directory.AddWorkspaceAsync();
        var problem = await directory
            .Organizations.ListOrganizationsAsync(new ListOrganizationsRequest(), directory.As(acme.Owner with { Permissions = [] }))
            .ProblemAsync();
        Assert.Equal("PERMISSION_DENIED", problem.Reason);
    }

    private async Task<ListOrganizationsResponse> ListAsync(ListOrganizationsRequest request, TestCaller caller) =>
        await directory.Organizations.ListOrganizationsAsync(request, directory.As(caller));
}
