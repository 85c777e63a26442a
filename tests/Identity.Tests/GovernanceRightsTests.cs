using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;

namespace Platform.Identity.Tests;

/// <summary>
/// Who may do what in the governance API. The table names the caller's role in the sandbox and in production (a dash: none), and what
/// becomes of each act: the four switches, and the tokens of members of the sandbox alone, of both environments, and of everybody. A person
/// acts here, so the production switch limits nobody.
/// </summary>
public sealed class GovernanceRightsTests(IdentityFixture identity) : IClassFixture<IdentityFixture>
{
    private const string Yes = "allowed";
    private const string No = "PERMISSION_DENIED";
    private const string Hidden = "NOT_FOUND";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("viewer", "viewer", "enabled", No)]
    [InlineData("editor", "editor", "writeAccess", No)]
    [InlineData("admin ", "-     ", "enabled", No)]
    [InlineData("admin ", "-     ", "writeAccess", No)]
    [InlineData("admin ", "-     ", "strictAudit", No)]
    [InlineData("admin ", "-     ", "productionAccess", No)]
    [InlineData("admin ", "editor", "enabled", No)]
    [InlineData("admin ", "editor", "writeAccess", No)]
    [InlineData("admin ", "editor", "strictAudit", No)]
    [InlineData("admin ", "editor", "productionAccess", No)]
    [InlineData("editor", "admin ", "enabled", No)]
    [InlineData("editor", "admin ", "writeAccess", No)]
    [InlineData("editor", "admin ", "strictAudit", No)]
    [InlineData("editor", "admin ", "productionAccess", Yes)]
    [InlineData("admin ", "admin ", "enabled", Yes)]
    [InlineData("admin ", "admin ", "writeAccess", Yes)]
    [InlineData("admin ", "admin ", "strictAudit", Yes)]
    [InlineData("admin ", "admin ", "productionAccess", Yes)]
    public async Task A_switch_is_for_those_who_manage_every_environment_for_which_it_holds(
        string inSandbox,
        string inProduction,
        string name,
        string expected
    )
    {
        var workspace = Ids.Format("wks", Ids.New());
        var caller = Add(workspace, inSandbox, inProduction);
        var owner = Add(workspace, Roles.Owner, Roles.Owner);
        using var governance = identity.GovernanceOf(caller);
        using var owners = identity.GovernanceOf(owner);
        var path = $"workspaces/{workspace}/mcp-settings";

        // Loosening and tightening are the same act.
        for (var step = 0; step < 2; step++)
        {
            var settings = (await owners.GetFromJsonAsync<JsonObject>(path, Cancellation))!;
            var change = new JsonObject { [name] = !(bool)settings[name]! };
            Assert.Equal(expected, await ReasonAsync(governance.PutAsJsonAsync(path, change, Cancellation)));
            settings[name] = expected == Yes ? !(bool)settings[name]! : (bool)settings[name]!;
            Assert.Equal(settings.ToJsonString(), (await owners.GetFromJsonAsync<JsonObject>(path, Cancellation))!.ToJsonString());
            (await owners.PutAsJsonAsync(path, change, Cancellation)).EnsureSuccessStatusCode();
        }
    }

    [Theory]
    [InlineData("editor", "editor", Hidden, Hidden, Hidden, No)]
    [InlineData("admin ", "-     ", Yes, No, No, No)]
    [InlineData("admin ", "editor", Yes, No, No, No)]
    [InlineData("editor", "admin ", No, No, No, No)]
    [InlineData("admin ", "admin ", Yes, Yes, Yes, Yes)]
    [InlineData("owner ", "owner ", Yes, Yes, Yes, Yes)]
    public async Task A_token_is_taken_back_by_those_who_manage_wherever_it_works(
        string inSandbox,
        string inProduction,
        string ofSandbox,
        string ofBoth,
        string ofOneWhoLeft,
        string listOfAll
    )
    {
        var workspace = Ids.Format("wks", Ids.New());
        using var governance = identity.GovernanceOf(Add(workspace, inSandbox, inProduction));
        foreach (
            var (member, expected, leaves) in new[]
            {
                (Add(workspace, Roles.Viewer, "-"), ofSandbox, false),
                (Add(workspace, Roles.Owner, Roles.Owner), ofBoth, false),
                (Add(workspace, Roles.Viewer, "-"), ofOneWhoLeft, true),
            }
        )
        {
            using var own = identity.GovernanceOf(member);
            using var made = await own.PostAsJsonAsync(
                $"workspaces/{workspace}/personal-tokens",
                new { name = "Laptop", scopes = new[] { Scopes.WorkspaceRead } },
                Cancellation
            );
            var id = (string)(await made.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["id"]!;
            if (leaves)
            {
                identity.Directory.Members.TryRemove(member.MemberId, out _);
            }

            // Who manages nothing hears of no token but their own.
            Assert.Equal(
                expected == Hidden ? No : expected,
                await ReasonAsync(governance.GetAsync($"workspaces/{workspace}/personal-tokens?member={member.MemberId}", Cancellation))
            );
            Assert.Equal(expected, await ReasonAsync(governance.DeleteAsync($"workspaces/{workspace}/personal-tokens/{id}", Cancellation)));
        }

        Assert.Equal(listOfAll, await ReasonAsync(governance.GetAsync($"workspaces/{workspace}/personal-tokens?member=all", Cancellation)));
    }

    [Fact]
    public async Task What_is_refused_to_a_member_is_on_record_and_what_is_refused_to_a_stranger_is_counted()
    {
        var counted = new System.Collections.Concurrent.ConcurrentBag<(string Reason, bool Recorded)>();
        using var meter = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "platform.identity.governance.refused")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        meter.SetMeasurementEventCallback<long>((_, _, tags, _) => counted.Add(((string)tags[0].Value!, (bool)tags[1].Value!)));
        meter.Start();

        var workspace = Ids.Format("wks", Ids.New());
        var member = Add(workspace, Roles.Admin, "-");
        using var governance = identity.GovernanceOf(member);
        foreach (
            var (call, reason) in new[]
            {
                (governance.PutAsJsonAsync($"workspaces/{workspace}/mcp-settings", new { writeAccess = false }, Cancellation), No),
                (governance.GetAsync($"workspaces/{workspace}/personal-tokens?member=all", Cancellation), No),
                (governance.DeleteAsync($"workspaces/{workspace}/personal-tokens/tok_none", Cancellation), Hidden),
                (governance.PostAsJsonAsync($"workspaces/{workspace}/personal-tokens", new { }, Cancellation), "INVALID_ARGUMENT"),
                (governance.DeleteAsync($"workspaces/{workspace}/connected-apps/nobody", Cancellation), Hidden),
                (governance.GetAsync($"workspaces/{workspace}/audit-streams/str_none/signing-secret", Cancellation), Hidden),
            }
        )
        {
            Assert.Equal(reason, await ReasonAsync(call));
            var happened = await identity.Events.WaitAsync(published =>
                published.Refusal == reason && published.Actor.Id == member.MemberId && counted.Contains((reason, true))
            );
            Assert.Equal(("governance.refused", "GovernanceRefused"), (happened.Action, happened.Type));
        }

        await Testing.Eventually.AsyncTrue(
            () => Task.FromResult(identity.Events.All.Count(published => published.Actor.Id == member.MemberId) == 6),
            () => "an event for each refusal"
        );
        using var agent = identity.Governance(identity.Forge.Sign("an agent", identity.Now));
        Assert.Equal("NOT_FOR_AGENTS", await ReasonAsync(agent.GetAsync($"workspaces/{workspace}/mcp-settings", Cancellation)));
        using var nobody = identity.Governance(null);
        Assert.Equal("UNAUTHENTICATED", await ReasonAsync(nobody.GetAsync("me", Cancellation)));
        Assert.Contains(("NOT_FOR_AGENTS", false), counted);
        Assert.Contains(("UNAUTHENTICATED", false), counted);
    }

    [Fact]
    public async Task More_tokens_than_a_page_holds_are_listed_page_by_page()
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        await using (
            var many = identity.Admin.CreateCommand(
                """
                insert into identity.personal_token (workspace_id, id, member_id, name, hint, scopes, created_at, expires_at, hash)
                select $1, gen_random_uuid(), $2, 'token ' || n, 'pat_…', '{workspace:read}', now(), now(), sha256(($2::text || n)::bytea)
                from generate_series(1, 700) n
                """
            )
        )
        {
            many.Parameters.Add(new Npgsql.NpgsqlParameter { Value = Parse("wks", member.WorkspaceId) });
            many.Parameters.Add(new Npgsql.NpgsqlParameter { Value = Parse("mbr", member.MemberId) });
            Assert.Equal(700, await many.ExecuteNonQueryAsync(Cancellation));
        }

        var seen = new List<string>();
        var sizes = new List<int>();
        for (var cursor = ""; cursor is not null; )
        {
            var page = (
                await governance.GetFromJsonAsync<JsonNode>(
                    $"workspaces/{member.WorkspaceId}/personal-tokens?limit=300&cursor={cursor}",
                    Cancellation
                )
            )!;
            seen.AddRange(page["personalTokens"]!.AsArray().Select(token => (string)token!["id"]!));
            sizes.Add(page["personalTokens"]!.AsArray().Count);
            cursor = (string?)page["page"]!["nextCursor"];
            Assert.Equal(cursor is not null, (bool)page["page"]!["hasMore"]!);
        }

        Assert.Equal([300, 300, 100], sizes);
        Assert.Equal(700, seen.Distinct().Count());
        foreach (var wrong in new[] { "limit=0", "limit=501", "limit=x", "cursor=mbr_1", "member=somebody" })
        {
            Assert.Equal(
                "INVALID_ARGUMENT",
                await ReasonAsync(governance.GetAsync($"workspaces/{member.WorkspaceId}/personal-tokens?{wrong}", Cancellation))
            );
        }
    }

    private Membership Add(string workspace, string inSandbox, string inProduction) =>
        identity.Directory.Add(inSandbox.Trim(), inProduction.Trim() is "-" ? null : inProduction.Trim(), workspace: workspace);

    private static Guid Parse(string prefix, string id) =>
        Ids.TryParse(prefix, id, out var parsed) ? parsed : throw new FormatException(id);

    private static async Task<string> ReasonAsync(Task<HttpResponseMessage> call)
    {
        using var response = await call;
        return response.IsSuccessStatusCode
            ? Yes
            : JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation)).RootElement.GetProperty("reason").GetString()!;
    }
}
