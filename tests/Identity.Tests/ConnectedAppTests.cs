using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.PersonalTokens;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;
using TaskChanges = Platform.Changes.Contracts.V1.Changes;

namespace Platform.Identity.Tests;

public sealed class ConnectedAppTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private readonly string _subject = Guid.NewGuid().ToString();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Apps.AppsClient Client => new(identity.Channel);

    [Fact]
    public async Task Apps_are_listed_with_what_was_agreed_to_and_their_last_use_to_the_minute()
    {
        var member = identity.Directory.Add(Roles.Viewer, subject: _subject);
        identity.Forge.Agree(_subject, "claude", identity.Now.AddDays(-3), "workspace:read", "databases.records:read");
        identity.Forge.Agree(_subject, "cursor", identity.Now.AddDays(-1), "workspace:read");
        Assert.All((await ListAsync(member)).Apps, app => Assert.Null(app.LastUsedAt));

        // No call writes by itself.
        await identity.ResolveAsync(identity.Forge.Sign(_subject, identity.Now));
        await identity.ResolveAsync(identity.Forge.Sign(_subject, identity.Now));
        Assert.Equal(0L, await UsesAsync(member));
        await identity.Get<LastUse>().WriteAsync(Cancellation);
        Assert.Equal(1L, await UsesAsync(member));

        var apps = (await ListAsync(member)).Apps;
        Assert.Equal(["claude", "cursor"], apps.Select(app => app.ClientId));
        Assert.Equal("The app claude", apps[0].Name);
        Assert.Equal(["databases.records:read", "workspace:read"], apps[0].Scopes);
        Assert.Equal(identity.Now.AddDays(-3), apps[0].ConnectedAt.ToDateTimeOffset(), TimeSpan.FromMinutes(1));
        Assert.Equal(identity.Now, apps[0].LastUsedAt.ToDateTimeOffset(), TimeSpan.FromMinutes(1));
        Assert.Null(apps[1].LastUsedAt);
    }

    [Fact]
    public async Task A_revocation_of_a_task_is_summed_up_and_an_undo_says_what_to_do_instead()
    {
        var changes = new TaskChanges.ChangesClient(identity.Channel);
        var caller = CallerOf(identity.Directory.Add(Roles.Admin, subject: _subject));
        identity.Forge.Agree(_subject, "claude", identity.Now, "workspace:read");
        var request = new RevokeConnectedAppRequest { ClientId = "claude" };
        Assert.Equal(
            "TASK_NOT_FOUND",
            (await Client.RevokeConnectedAppAsync(request, identity.As(caller, task: Ids.Format("tsk", Ids.New()))).ProblemAsync()).Reason
        );
        var task = (await changes.BeginTaskAsync(new() { Goal = "Tidy up" }, identity.As(caller))).TaskId;
        var preview = await Client.RevokeConnectedAppAsync(request, identity.As(caller, task: task)).ProblemAsync();
        await Client.RevokeConnectedAppAsync(request, identity.As(caller, confirmation: preview.Confirmation.Token, task: task));

        var sum = Assert.Single(
            Assert.Single((await changes.SummarizeTaskAsync(new() { TaskId = task }, identity.As(caller))).Parts).Changes
        );
        Assert.Equal(("connected_app", "claude"), (sum.Kind, Assert.Single(sum.Ids)));
        var left = Assert.Single(Assert.Single((await changes.UndoTaskAsync(new() { TaskId = task }, identity.As(caller))).Parts).Left);
        Assert.Equal(("CANNOT_BE_UNDONE", sum.CannotBeUndone), (left.Reason, left.Why));
        Assert.EndsWith("sign in from the app.", left.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_app_is_refused_once_it_was_confirmed_and_cannot_be_revoked_again()
    {
        var member = identity.Directory.Add(Roles.Admin, subject: _subject);
        var caller = CallerOf(member);
        identity.Forge.Agree(_subject, "claude", identity.Now, "workspace:read");
        var token = identity.Forge.Sign(_subject, identity.Now);
        var request = new RevokeConnectedAppRequest { ClientId = "claude" };
        var preview = await Client.RevokeConnectedAppAsync(request, identity.As(caller)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        Assert.Contains("The app claude", preview.Confirmation.Preview.Utf8.ToStringUtf8(), StringComparison.Ordinal);
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(token)).Refusal);

        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        var options = identity.As(caller, confirmation: preview.Confirmation.Token);
                        return (await Client.RevokeConnectedAppAsync(request, options)).App.ClientId;
                    }
                    catch (RpcException exception)
                    {
                        return Problem.Read(exception)!.Reason;
                    }
                })
        );
        Assert.Equal(["NOT_FOUND", "claude"], outcomes.Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(1, outcomes.Count(outcome => outcome == "claude"));
        Assert.Equal(Refusal.Revoked, (await identity.ResolveAsync(token)).Refusal);
        Assert.DoesNotContain(identity.Forge.Consents, consent => consent.Key.Subject == _subject);
        await identity.Events.WaitAsync(happened => happened.Type == nameof(ConnectedAppRevoked) && happened.Actor.Id == member.MemberId);
        Assert.Single(identity.Events.All, happened =>
            happened.Type == nameof(ConnectedAppRevoked) && happened.Actor.Id == member.MemberId
        );
        Assert.Equal("NOT_FOUND", (await Client.RevokeConnectedAppAsync(request, identity.As(caller)).ProblemAsync()).Reason);
    }

    [Fact]
    public async Task Nobody_sees_or_revokes_the_apps_of_somebody_else()
    {
        var workspace = Ids.Format("wks", Ids.New());
        var member = identity.Directory.Add(Roles.Admin, subject: _subject, workspace: workspace);
        identity.Forge.Agree(_subject, "claude", identity.Now, "workspace:read");
        var colleague = identity.Directory.Add(Roles.Owner, subject: Guid.NewGuid().ToString(), workspace: workspace);
        var request = new RevokeConnectedAppRequest { ClientId = "claude" };
        Assert.Empty((await ListAsync(colleague)).Apps);
        Assert.Equal("NOT_FOUND", (await Client.RevokeConnectedAppAsync(request, identity.As(CallerOf(colleague))).ProblemAsync()).Reason);
        Assert.Equal(
            "NOT_FOUND",
            (
                await Client.RevokeConnectedAppAsync(request, identity.As(CallerOf(member) with { Workspace = Ids.New() })).ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            (
                await Client
                    .RevokeConnectedAppAsync(request, identity.As(CallerOf(member) with { Permissions = ["workspace:read"] }))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "clientId",
            Assert
                .Single(
                    (
                        await Client.RevokeConnectedAppAsync(new RevokeConnectedAppRequest(), identity.As(CallerOf(member))).ProblemAsync()
                    ).Violations
                )
                .Field
        );
        Assert.Single((await ListAsync(member)).Apps);
    }

    [Fact]
    public async Task A_member_who_never_signed_in_has_no_apps() =>
        Assert.Empty((await ListAsync(identity.Directory.Add(Roles.Viewer))).Apps);

    [Fact]
    public async Task Governance_revokes_once_and_knows_no_app_afterwards()
    {
        var member = identity.Directory.Add(Roles.Viewer, subject: _subject);
        identity.Forge.Agree(_subject, "claude", identity.Now, "workspace:read");
        using var governance = identity.Governance(identity.Forge.SignForGovernance(_subject, identity.Now));
        var path = $"workspaces/{member.WorkspaceId}/connected-apps";
        var listed = (await governance.GetFromJsonAsync<JsonNode>(path, Cancellation))!["connectedApps"]!.AsArray();
        Assert.Equal(("claude", "The app claude"), ((string)listed[0]!["clientId"]!, (string)listed[0]!["name"]!));
        Assert.Equal(HttpStatusCode.NoContent, (await governance.DeleteAsync($"{path}/claude", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await governance.DeleteAsync($"{path}/claude", Cancellation)).StatusCode);
        await identity.Events.WaitAsync(happened => happened.Type == nameof(ConnectedAppRevoked) && happened.Actor.Id == member.MemberId);
        Assert.Single(identity.Events.All, happened =>
            happened.Type == nameof(ConnectedAppRevoked) && happened.Actor.Id == member.MemberId
        );
    }

    private async Task<ListConnectedAppsResponse> ListAsync(Membership member) =>
        await Client.ListConnectedAppsAsync(new ListConnectedAppsRequest(), identity.As(CallerOf(member)));

    private async Task<long> UsesAsync(Membership member)
    {
        await using var command = identity.Admin.CreateCommand("select count(*) from identity.connected_app where member_id = $1");
        command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = Parse("mbr", member.MemberId) });
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    private static TestCaller CallerOf(Membership member) =>
        new()
        {
            Workspace = Parse("wks", member.WorkspaceId),
            Member = Parse("mbr", member.MemberId),
            Role = member.Environments[0].Role,
        };

    private static Guid Parse(string prefix, string text) => Ids.TryParse(prefix, text, out var id) ? id : throw new FormatException(text);
}

/// <summary>A realm that takes nothing back. It stands alone, because the other tests need one that does.</summary>
public sealed class StubbornRealmTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Should_the_realm_fail_the_app_is_shut_out_all_the_same_and_the_next_try_finishes()
    {
        var subject = Guid.NewGuid().ToString();
        var member = identity.Directory.Add(Roles.Viewer, subject: subject);
        identity.Forge.Agree(subject, "claude", identity.Now, "workspace:read");
        var token = identity.Forge.Sign(subject, identity.Now);
        using var governance = identity.Governance(identity.Forge.SignForGovernance(subject, identity.Now));
        var path = $"workspaces/{member.WorkspaceId}/connected-apps/claude";
        identity.Forge.RefusesToRevoke = true;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await governance.DeleteAsync(path, Cancellation)).StatusCode);
        Assert.Equal(Refusal.Revoked, (await identity.ResolveAsync(token)).Refusal);
        identity.Forge.RefusesToRevoke = false;
        Assert.Equal(HttpStatusCode.NoContent, (await governance.DeleteAsync(path, Cancellation)).StatusCode);
        Assert.DoesNotContain(identity.Forge.Consents, consent => consent.Key.Subject == subject);
    }
}
