using Google.Protobuf;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Platform.Directory.Tests;

/// <summary>The directory in process. Tests make workspaces of their own, so they share a database without meeting.</summary>
public class DirectoryFixture(PostgresFixture postgres) : ServiceFixture<Program>(postgres, "directory")
{
    private const string InsertWorkspace = """
        with w as (insert into directory.workspace (workspace_id, name, created_at) values ($1, 'Acme', now()) returning workspace_id),
            e as (insert into directory.environment (workspace_id, id, name, kind, is_default, created_at)
                values ($1, $2, 'Sandbox', 'sandbox', true, now()), ($1, $3, 'Production', 'production', false, now()) returning id)
        select 1
        """;

    private const string InsertMember = """
        with m as (insert into directory.member (workspace_id, id, email, display_name, created_at)
            values ($1, $2, $3, $4, now()) returning id)
        insert into directory.member_role (workspace_id, member_id, environment_id, role) select $1, $2, e, $6 from unnest($5::uuid[]) as e
        """;

    public Organizations.OrganizationsClient Organizations => new(Channel);

    public Invitations.InvitationsClient Invitations => new(Channel);

    public Users.UsersClient Users => new(Channel);

    public MemberInvitations.MemberInvitationsClient MemberInvitations => new(Channel);

    public Workspaces.WorkspacesClient Workspaces => new(Channel);

    public Members.MembersClient Members => new(Channel);

    public Joining.JoiningClient Joining => new(Channel);

    /// <summary>Invites members; what needs a confirmation is confirmed. Returns the id of the call that did it, too.</summary>
    public async Task<(InviteMembersResponse Answer, string CallId)> InviteAsync(
        TestCaller caller,
        InviteMembersRequest request,
        string? task = null
    )
    {
        var options = As(caller, task: task);
        try
        {
            return (await MemberInvitations.InviteMembersAsync(request, options), options.Headers!.GetValue(CallMetadata.CallId)!);
        }
        catch (RpcException exception) when (Problem.Read(exception) is { Confirmation.Token: { } token })
        {
            options = As(caller, task: task, confirmation: token);
            return (await MemberInvitations.InviteMembersAsync(request, options), options.Headers!.GetValue(CallMetadata.CallId)!);
        }
    }

    /// <summary>What an invitation's link offers, as identity asks; null for a link that leads nowhere.</summary>
    public async Task<Offer?> FindOfferAsync(string token) =>
        (await Joining.FindOfferAsync(new FindOfferRequest { Token = token }, As(TestCaller.AsService("identity")))).Offer;

    /// <summary>Accepts an invitation as identity does for somebody who can sign in. Null for a link that leads nowhere.</summary>
    public async Task<OfferState?> AcceptAsync(string token, AccountState account = AccountState.Existing, string name = "") => (
            await Joining.AcceptOfferAsync(
                new AcceptOfferRequest
                {
                    Token = token,
                    Account = account,
                    Name = name,
                },
                As(TestCaller.AsService("identity"))
            )
        ).Offer?.State;

    /// <summary>A new workspace with a sandbox, a production environment and an owner of both.</summary>
    public async Task<TestWorkspace> AddWorkspaceAsync()
    {
        var (workspace, sandbox, production) = (Ids.New(), Ids.New(), Ids.New());
        await ExecuteAsync(InsertWorkspace, workspace, sandbox, production);
        var owner = await AddMemberAsync(workspace, $"owner@{workspace:N}.example", "owner", sandbox, production);
        return new TestWorkspace(
            workspace,
            sandbox,
            production,
            new TestCaller
            {
                Workspace = workspace,
                Environment = sandbox,
                Member = owner,
                Others = [TestCaller.Other(production, "production", "owner")],
            }
        );
    }

    public async Task<Guid> AddMemberAsync(Guid workspace, string email, string role, params Guid[] environments)
    {
        var id = Ids.New();
        await ExecuteAsync(InsertMember, workspace, id, email, $"Member {role}", environments, role);
        return id;
    }

    /// <summary>A user of the sandbox who is in an organization.</summary>
    public async Task AddUserAsync(TestWorkspace workspace, Guid organization, string email) =>
        await ExecuteAsync(
            """
            with u as (insert into directory.directory_user (workspace_id, environment_id, id, email, created_at)
                values ($1, $2, $3, $5, now()) returning id)
            insert into directory.membership (workspace_id, environment_id, organization_id, user_id, role, created_at)
            values ($1, $2, $4, $3, 'member', now())
            """,
            workspace.Id,
            workspace.Sandbox,
            Ids.New(),
            organization,
            email
        );

    public async Task<Organization> CreateOrganizationAsync(TestCaller caller, string name = "Globex", params string[] domains) =>
        (
            await Organizations.CreateOrganizationAsync(new CreateOrganizationRequest { Name = name, Domains = { domains } }, As(caller))
        ).Organization;

    public async Task<User> CreateUserAsync(TestCaller caller, string email) =>
        (await Users.CreateUserAsync(new CreateUserRequest { Email = email }, As(caller))).User;

    /// <summary>
    /// Calls at once for certain: a lock taken by <paramref name="hold"/> stops every call on its way, and is let go when all of them wait.
    /// </summary>
    public async Task<T[]> RaceAsync<T>(string hold, object? argument, int callers, Func<int, Task<T>> call)
    {
        await using var connection = await Admin.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand(hold, connection))
        {
            if (argument is not null)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = argument });
            }

            await command.ExecuteNonQueryAsync();
        }

        var calls = Enumerable.Range(0, callers).Select(call).ToArray();
        while (
            await CountAsync("pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") < callers
            && !calls.Any(called => called.IsCompleted)
        )
        {
            await Task.Yield();
        }

        await transaction.RollbackAsync();
        return await Task.WhenAll(calls);
    }

    /// <summary>Runs SQL as the administrator.</summary>
    public async Task<int> ExecuteAsync(string sql, params object[] arguments)
    {
        await using var command = Command(sql, arguments);
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>Counts as the administrator, past row-level security.</summary>
    public async Task<long> CountAsync(string from, params object[] arguments)
    {
        await using var command = Command("select count(*) from " + from, arguments);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public static Json Json(string text) => new() { Utf8 = ByteString.CopyFromUtf8(text) };

    private NpgsqlCommand Command(string sql, object[] arguments)
    {
        var command = Admin.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return command;
    }
}

public sealed record TestWorkspace(Guid Id, Guid Sandbox, Guid Production, TestCaller Owner)
{
    public TestCaller Viewer => Owner with { Role = Roles.Viewer };

    public TestCaller Editor => Owner with { Role = Roles.Editor };

    public TestCaller InProduction =>
        Owner with
        {
            Environment = Production,
            EnvironmentKind = "production",
            Others = [TestCaller.Other(Sandbox, "sandbox", Roles.Owner)],
        };
}
