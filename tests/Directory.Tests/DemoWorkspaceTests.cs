using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Demo;
using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class DemoFixture(PostgresFixture postgres) : DirectoryFixture(postgres)
{
    protected override IEnumerable<KeyValuePair<string, string?>> Settings() => [new("Demo:Seed", "true")];
}

public sealed class DemoWorkspaceTests(DemoFixture directory) : IClassFixture<DemoFixture>
{
    [Theory]
    [InlineData("owner@demo.example", Roles.Owner, "sandbox,production")]
    [InlineData("editor@demo.example", Roles.Editor, "sandbox")]
    [InlineData("viewer@demo.example", Roles.Viewer, "sandbox")]
    public async Task Its_members_have_their_role_and_production_is_the_owners(string email, string role, string kinds)
    {
        var membership = Assert.Single(
            (
                await directory.Members.ResolveMemberAsync(
                    new ResolveMemberRequest { Email = email },
                    directory.As(TestCaller.AsService("identity"))
                )
            ).Memberships
        );
        Assert.Equal(
            ("Demo", kinds),
            (membership.WorkspaceName, string.Join(',', membership.Environments.Select(environment => environment.Kind)))
        );
        Assert.All(membership.Environments, environment => Assert.Equal(role, environment.Role));
    }

    [Fact]
    public async Task Seeding_again_from_eight_replicas_at_once_changes_and_announces_nothing()
    {
        var seed = directory.Services.GetServices<IHostedService>().OfType<DemoWorkspace>().Single();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => seed.StartAsync(CancellationToken.None)));
        Assert.Equal(1, await directory.CountAsync("directory.workspace"));
        Assert.Equal(3, await directory.CountAsync("directory.member"));
        Assert.Equal(4, await directory.CountAsync("platform.outbox"));
    }
}
