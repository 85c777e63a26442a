using System.Net;
using System.Net.Http.Json;
using System.Text;
using Platform.Contracts;
using Platform.Identity.Contracts;

namespace Platform.Identity.Tests;

public sealed partial class GovernanceTests
{
    [Fact]
    public async Task Settings_have_safe_defaults_and_change_one_by_one()
    {
        var member = identity.Directory.Add(Roles.Admin, Roles.Admin);
        using var governance = identity.GovernanceOf(member);
        var path = $"workspaces/{member.WorkspaceId}/mcp-settings";
        Assert.Equal(
            """{"enabled":true,"productionAccess":false,"writeAccess":true,"strictAudit":false}""",
            await governance.GetStringAsync(path, Cancellation)
        );
        foreach (var change in new[] { new { strictAudit = true }, new { strictAudit = true } })
        {
            using var response = await governance.PutAsJsonAsync(path, change, Cancellation);
            Assert.Equal(
                """{"enabled":true,"productionAccess":false,"writeAccess":true,"strictAudit":true}""",
                await response.Content.ReadAsStringAsync(Cancellation)
            );
        }

        var happened = await identity.Events.WaitAsync(happened =>
            happened.Type == nameof(McpSettingsChanged) && happened.Actor.Id == member.MemberId
        );
        Assert.True(happened.Read<McpSettingsChanged>().StrictAudit);
        Assert.Single(identity.Events.All, other => other.Type == nameof(McpSettingsChanged) && other.Actor.Id == member.MemberId);
    }

    [Theory]
    [InlineData("editor", "owner", true)]
    [InlineData("viewer", null, false)]
    [InlineData("admin", null, false)]
    [InlineData("admin", "editor", false)]
    [InlineData("admin", "admin", true)]
    [InlineData("owner", "owner", true)]
    public async Task Production_is_opened_by_those_who_manage_it(string role, string? productionRole, bool allowed)
    {
        var member = identity.Directory.Add(role, productionRole);
        using var governance = identity.GovernanceOf(member);
        var put = governance.PutAsJsonAsync($"workspaces/{member.WorkspaceId}/mcp-settings", new { productionAccess = true }, Cancellation);
        if (allowed)
        {
            (await put).EnsureSuccessStatusCode();
        }
        else
        {
            await AssertProblemAsync(put, 403, "PERMISSION_DENIED");
        }
    }

    [Theory]
    [InlineData(100, 201)]
    [InlineData(64 * 1024, 201)]
    [InlineData(64 * 1024 + 1, 400)]
    public async Task A_body_in_chunks_is_taken_up_to_64_KiB(int length, int status)
    {
        var member = identity.Directory.Add(Roles.Editor);
        using var governance = identity.GovernanceOf(member);
        var body = """{"name":"Laptop","scopes":["workspace:read"]}""".PadRight(length);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"workspaces/{member.WorkspaceId}/personal-tokens")
        {
            Content = new StreamContent(new Chunks(Encoding.UTF8.GetBytes(body))) { Headers = { ContentType = new("application/json") } },
        };
        request.Headers.TransferEncodingChunked = true;
        using var response = await governance.SendAsync(request, Cancellation);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Every_workspace_of_a_person_records_that_a_session_was_ended()
    {
        var subject = Guid.NewGuid().ToString();
        var members = new[]
        {
            identity.Directory.Add(Roles.Viewer, subject: subject),
            identity.Directory.Add(Roles.Admin, subject: subject),
        };
        using var governance = identity.Governance(identity.Forge.SignForGovernance(subject, identity.Now));
        await AssertProblemAsync(governance.DeleteAsync("sessions/somebody-elses", Cancellation), 404, "NOT_FOUND");
        (await governance.DeleteAsync($"sessions/session-of-{subject}", Cancellation)).EnsureSuccessStatusCode();
        foreach (var member in members)
        {
            var happened = await identity.Events.WaitAsync(happened =>
                happened.Action == "session.ended" && happened.Actor.Id == member.MemberId
            );
            Assert.Equal($"session-of-{subject}", happened.Read<SessionEnded>().SessionId);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await governance.GetAsync("me", Cancellation)).StatusCode);
    }
}
