using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Directory.Service.Demo;

/// <summary>
/// A workspace to try things in, with an owner, an editor and a viewer (setting <c>Demo:Seed</c>). Its ids are fixed, so that seeding
/// again, or from several replicas at once, changes nothing.
/// </summary>
internal sealed class DemoWorkspace(UnitOfWork work) : IHostedService
{
    private const string InsertWorkspace =
        "insert into directory.workspace (workspace_id, name, created_at) values ($1, $2, $3) on conflict do nothing";

    private const string InsertEnvironment =
        "insert into directory.environment (id, name, kind, is_default, created_at) values ($1, $2, $3, $4, $5)";

    private const string InsertMember = "insert into directory.member (id, email, display_name, created_at) values ($1, $2, $3, $4)";

    private const string InsertRole = "insert into directory.member_role (member_id, environment_id, role) values ($1, $2, $3)";

    private static readonly Guid _workspace = new("019aa000-0000-7000-8000-000000000001");
    private static readonly Guid _sandbox = new("019aa000-0000-7000-8000-000000000011");
    private static readonly Guid _production = new("019aa000-0000-7000-8000-000000000012");

    // Members other than the owner get the sandbox only, as every new member does.
    private static readonly DemoMember[] _members =
    [
        new(new Guid("019aa000-0000-7000-8000-000000000021"), "owner@demo.example", "Olivia Owner", Roles.Owner, [_sandbox, _production]),
        new(new Guid("019aa000-0000-7000-8000-000000000022"), "editor@demo.example", "Edgar Editor", Roles.Editor, [_sandbox]),
        new(new Guid("019aa000-0000-7000-8000-000000000023"), "viewer@demo.example", "Vera Viewer", Roles.Viewer, [_sandbox]),
    ];

    public async Task StartAsync(CancellationToken cancellationToken) =>
        await work.WriteAsync(OwnCall.In(_workspace, null), SeedAsync, SessionSettings.Default, cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task<Empty> SeedAsync(WriteTransaction tx)
    {
        if (await tx.ExecuteAsync(InsertWorkspace, _workspace, "Demo", tx.Now) == 0)
        {
            return new Empty();
        }

        await tx.ExecuteAsync(InsertEnvironment, _sandbox, "Sandbox", "sandbox", true, tx.Now);
        await tx.ExecuteAsync(InsertEnvironment, _production, "Production", "production", false, tx.Now);
        tx.Announce(
            new WorkspaceCreated(
                tx.NewEventId(),
                _workspace,
                tx.Now,
                "Demo",
                [Ids.Format("env", _sandbox), Ids.Format("env", _production)]
            ),
            "workspace.created",
            new Target("workspace", Ids.Format("wks", _workspace))
        );
        foreach (var member in _members)
        {
            await AddAsync(tx, member);
        }

        return new Empty();
    }

    private static async Task AddAsync(WriteTransaction tx, DemoMember member)
    {
        await tx.ExecuteAsync(InsertMember, member.Id, member.Email, member.DisplayName, tx.Now);
        foreach (var environment in member.Environments)
        {
            await tx.ExecuteAsync(InsertRole, member.Id, environment, member.Role);
        }

        var id = Ids.Format("mbr", member.Id);
        tx.Announce(
            new MemberAdded(
                tx.NewEventId(),
                _workspace,
                tx.Now,
                id,
                member.Environments.ToDictionary(environment => Ids.Format("env", environment), _ => member.Role)
            ),
            "member.added",
            new Target("member", id)
        );
    }

    private sealed record DemoMember(Guid Id, string Email, string DisplayName, string Role, Guid[] Environments);
}

internal static class DemoWorkspaceExtensions
{
    /// <summary>Seeds the demo workspace when <c>Demo:Seed</c> is true. Development alone allows it: everybody knows its members.</summary>
    public static void AddDemoWorkspace(this WebApplicationBuilder builder, string[] args)
    {
        if (!builder.Configuration.GetValue<bool>("Demo:Seed") || args.Contains("migrate"))
        {
            return;
        }

        if (!builder.Environment.IsDevelopment())
        {
            throw new WrongSettingException("Demo:Seed makes accounts that everybody knows. It is for the environment Development only.");
        }

        builder.Services.AddHostedService<DemoWorkspace>();
    }
}
