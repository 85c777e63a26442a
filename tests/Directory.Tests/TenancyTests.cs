using Platform.Testing;

namespace Platform.Directory.Tests;

public sealed class TenancyTests(DirectoryFixture directory) : IClassFixture<DirectoryFixture>
{
    private const string LooselyBound = """
        pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'environment_id'
        where c.relkind = 'r' and c.relnamespace = 'directory'::regnamespace
            and c.relname not in ('member_role', 'mail', 'invitation_token')
            and exists (
            select from pg_policy p where p.polrelid = c.oid
                and pg_get_expr(p.polqual, p.polrelid) || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
                    not like '%environment_id()%environment_id()%')
        """;

    [Fact]
    public Task Every_table_is_under_forced_row_level_security_and_every_policy_past_the_workspace_is_listed() =>
        TenancyLaws.AssertAsync(
            directory.Admin,
            "directory",
            "directory.environment: environment_resolve",
            "directory.invitation_token: invitation_token_resolve",
            "directory.mail: mail_claim",
            "directory.member: member_resolve",
            "directory.member_role: member_role_resolve",
            "directory.workspace: workspace_resolve"
        );

    [Fact]
    public async Task Every_policy_of_what_an_environment_keeps_names_the_environment_to_read_and_to_write() =>
        Assert.Equal(0, await directory.CountAsync(LooselyBound));

    [Fact]
    public async Task Without_a_workspace_the_service_sees_nothing()
    {
        await directory.CreateOrganizationAsync((await directory.AddWorkspaceAsync()).Owner, "Hidden", "hidden.example");
        string[] tables =
        [
            "workspace",
            "environment",
            "member",
            "member_role",
            "organization",
            "organization_domain",
            "directory_user",
            "membership",
            "invitation",
            "mail",
            "invitation_token",
            "member_invitation",
        ];
        foreach (var table in tables)
        {
            await using var command = directory.App.CreateCommand($"select count(*) from directory.{table}");
            Assert.Equal(0L, await command.ExecuteScalarAsync());
        }
    }

    [Fact]
    public async Task A_workspace_without_an_environment_of_each_kind_cannot_begin()
    {
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            directory.ExecuteAsync(
                "insert into directory.workspace (workspace_id, name, created_at) values ($1, 'Half', now())",
                Guid.CreateVersion7()
            )
        );
        Assert.Equal("workspace_environments", refused.ConstraintName);
    }

    [Fact]
    public async Task The_default_environment_is_never_production()
    {
        var workspace = await directory.AddWorkspaceAsync();
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            directory.ExecuteAsync("update directory.environment set is_default = true where id = $1", workspace.Production)
        );
        Assert.Equal("environment_default_is_sandbox", refused.ConstraintName);
    }
}
