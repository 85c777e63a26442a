using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class GetOrganizationTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    [Fact]
    public async Task It_is_found_by_id_as_often_as_asked()
    {
        var acme = await directory.AddWorkspaceAsync();
        var created = await directory.CreateOrganizationAsync(acme.Owner);
        for (var time = 0; time < 2; time++)
        {
            Assert.Equal(
                created.Name,
                (
                    await directory.Organizations.GetOrganizationAsync(
                        new GetOrganizationRequest { OrganizationId = created.Id },
                        directory.As(acme.Viewer)
                    )
                )
                    .Organization
                    .Name
            );
        }
    }

    [Fact]
    public async Task From_another_workspace_and_another_environment_it_is_not_found()
    {
        var (acme, other) = (await directory.AddWorkspaceAsync(), await directory.AddWorkspaceAsync());
        var created = await directory.CreateOrganizationAsync(acme.Owner);
        foreach (var caller in new[] { other.Owner, acme.InProduction, other.Owner with { Environment = acme.Sandbox } })
        {
            var problem = await directory
                .Organizations.GetOrganizationAsync(new GetOrganizationRequest { OrganizationId = created.Id }, directory.As(caller))
                .ProblemAsync();
            Assert.Equal("NOT_FOUND", problem.Reason);
        }
    }

    [Fact]
    public async Task Without_the_permission_it_is_refused()
    {
        var acme = await directory.AddWorkspaceAsync();
        var problem = await directory
            .Organizations.GetOrganizationAsync(
                new GetOrganizationRequest { ExternalId = "x" },
                directory.As(acme.Owner with { Permissions = ["workspace:read"] })
            )
            .ProblemAsync();
        Assert.Equal("PERMISSION_DENIED", problem.Reason);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("org_01h455vb4pex5vsknk084sn02q", "x")]
    [InlineData("usr_01h455vb4pex5vsknk084sn02q", "")]
    [InlineData("org_01H455VB4PEX5VSKNK084SN02Q", "")]
    public async Task Anything_but_one_well_formed_id_is_refused(string id, string externalId)
    {
        var acme = await directory.AddWorkspaceAsync();
        var problem = await directory
            .Organizations.GetOrganizationAsync(
                new GetOrganizationRequest { OrganizationId = id, ExternalId = externalId },
                directory.As(acme.Owner)
            )
            .ProblemAsync();
        Assert.Equal(("INVALID_ARGUMENT", "organizationId"), (problem.Reason, problem.Violations[0].Field));
    }
}
