using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Platform.EndToEnd.Tests;

/// <summary>
/// A call of each tool that writes, of things that no other call touches. <see cref="LostAnswerTests"/> fails for a tool that is not here.
/// </summary>
internal sealed class Writes(RunningSuite suite, RawCalls owner, string sandbox)
{
    private static readonly object[] _nameField = [new { name = "name", type = "text" }];
    private static readonly string[] _matchName = ["name"];

    /// <summary>By tool: makes what the call needs, and returns its arguments. Confirmations are added by who calls.</summary>
    public IReadOnlyDictionary<string, Func<Task<object>>> ByTool =>
        new Dictionary<string, Func<Task<object>>>
        {
            ["begin_task"] = () => Of(new { goal = Name() }),
            ["create_audit_stream"] = () => Of(Stream()),
            ["create_database"] = () => Of(new { name = Name() }),
            ["create_field"] = async () => new { tableId = await TableAsync(), field = new { name = Name(), type = "text" } },
            ["create_invitations"] = async () =>
                new { organizationId = await OrganizationAsync(), invitations = new[] { new { email = Email() } } },
            ["create_membership"] = async () => new { organizationId = await OrganizationAsync(), userId = await UserAsync() },
            ["create_organization"] = () => Of(new { name = Name() }),
            ["create_record"] = async () => new { tableId = await TableAsync(), fields = new { name = Name() } },
            ["create_records"] = async () => new { tableId = await TableAsync(), records = Records() },
            ["create_table"] = async () =>
                new
                {
                    databaseId = await DatabaseAsync(),
                    name = Name(),
                    fields = _nameField,
                },
            ["create_user"] = () => Of(new { email = Email() }),
            ["create_view"] = async () => new { tableId = await TableAsync(), name = Name() },
            ["delete_audit_stream"] = async () => new { streamId = await StreamAsync() },
            ["delete_membership"] = async () => new { membershipId = await MembershipAsync() },
            ["delete_organization"] = async () => new { organizationId = await OrganizationAsync() },
            ["delete_records"] = async () =>
            {
                var (tableId, recordId) = await RecordAsync();
                return new { tableId, recordIds = new[] { recordId } };
            },
            ["delete_user"] = async () => new { userId = await UserAsync() },
            ["delete_view"] = async () =>
            {
                var (tableId, view) = await ViewAsync();
                return new { tableId, view };
            },
            ["import_csv"] = async () => new { tableId = await TableAsync(), csv = $"name\n{Name()}\n" },
            ["invite_members"] = () => Of(new { invitations = new[] { new { email = Email() } } }),
            ["pause_audit_stream"] = async () => new { streamId = await StreamAsync() },
            ["resend_invitation"] = async () => new { invitationId = await InvitationAsync() },
            ["resend_member_invitation"] = async () => new { invitationId = await MemberInvitationAsync() },
            ["resume_audit_stream"] = async () =>
            {
                var streamId = await StreamAsync();
                await MakeAsync("pause_audit_stream", new { streamId });
                return new { streamId };
            },
            ["revoke_connected_app"] = async () => new { clientId = await AppAsync() },
            ["revoke_invitation"] = async () => new { invitationId = await InvitationAsync() },
            ["revoke_member_invitation"] = async () => new { invitationId = await MemberInvitationAsync() },
            ["test_audit_stream"] = async () => new { streamId = await StreamAsync() },
            ["undo_change"] = async () => new { callId = Text(await MakeAsync("create_organization", new { name = Name() }), "callId") },
            ["undo_task"] = async () =>
            {
                var taskId = Text(await MakeAsync("begin_task", new { goal = Name() }), "taskId");
                await MakeAsync("create_organization", new { name = Name(), task = taskId });
                return new { taskId };
            },
            ["update_audit_stream"] = async () => new { streamId = await StreamAsync(), name = Name() },
            ["update_database"] = async () => new { databaseId = await DatabaseAsync(), name = Name() },
            ["update_field"] = async () =>
                new
                {
                    tableId = await TableAsync(),
                    field = "name",
                    description = Name(),
                },
            ["update_membership"] = async () => new { membershipId = await MembershipAsync(), role = "admin" },
            ["update_organization"] = async () => new { organizationId = await OrganizationAsync(), name = Name() },
            ["update_record"] = async () =>
            {
                var (tableId, recordId) = await RecordAsync();
                return new
                {
                    tableId,
                    recordId,
                    fields = new { name = Name() },
                };
            },
            ["update_table"] = async () => new { tableId = await TableAsync(), name = Name() },
            ["update_user"] = async () => new { userId = await UserAsync(), firstName = Name() },
            ["update_view"] = async () =>
            {
                var (tableId, view) = await ViewAsync();
                return new
                {
                    tableId,
                    view,
                    name = Name(),
                };
            },
            ["upsert_records"] = async () =>
                new
                {
                    tableId = await TableAsync(),
                    matchFields = _matchName,
                    records = Records(),
                },
        };

    public async Task<JsonElement> MakeAsync(string tool, object arguments)
    {
        var answer = await owner.CallAsync(tool, arguments);
        return answer.TryGetProperty("structuredContent", out var content)
            ? content
            : throw new InvalidOperationException($"{tool}: {answer.GetRawText()}");
    }

    private static Task<object> Of(object arguments) => Task.FromResult(arguments);

    private static string Name() => $"n{Guid.NewGuid():N}";

    private static string Email() => $"{Name()}@people.example";

    private static object[] Records() => [new { fields = new { name = Name() } }];

    private static string Text(JsonElement answer, params string[] path) =>
        path.Aggregate(answer, (element, name) => element.GetProperty(name)).GetString()!;

    private async Task<string> DatabaseAsync() => Text(await MakeAsync("create_database", new { name = Name() }), "database", "id");

    private async Task<string> TableAsync() =>
        Text(
            await MakeAsync(
                "create_table",
                new
                {
                    databaseId = await DatabaseAsync(),
                    name = Name(),
                    fields = _nameField,
                }
            ),
            "table",
            "id"
        );

    private async Task<(string Table, string Record)> RecordAsync()
    {
        var tableId = await TableAsync();
        return (tableId, Text(await MakeAsync("create_record", new { tableId, fields = new { name = Name() } }), "record", "id"));
    }

    private async Task<(string Table, string View)> ViewAsync()
    {
        var tableId = await TableAsync();
        return (tableId, Text(await MakeAsync("create_view", new { tableId, name = Name() }), "view", "id"));
    }

    private async Task<string> OrganizationAsync() =>
        Text(await MakeAsync("create_organization", new { name = Name() }), "organization", "id");

    private async Task<string> UserAsync() => Text(await MakeAsync("create_user", new { email = Email() }), "user", "id");

    private async Task<string> MembershipAsync() =>
        Text(
            await MakeAsync("create_membership", new { organizationId = await OrganizationAsync(), userId = await UserAsync() }),
            "membership",
            "id"
        );

    private async Task<string> InvitationAsync()
    {
        var made = await MakeAsync(
            "create_invitations",
            new { organizationId = await OrganizationAsync(), invitations = new[] { new { email = Email() } } }
        );
        return Text(made.GetProperty("results")[0], "invitationId");
    }

    private async Task<string> MemberInvitationAsync() =>
        Text(
            (await MakeAsync("invite_members", new { invitations = new[] { new { email = Email() } } })).GetProperty("results")[0],
            "invitationId"
        );

    // Nobody listens on port 9.
    private object Stream() =>
        new
        {
            type = "https",
            name = Name(),
            https = new { url = "http://127.0.0.1:9/" },
            environmentIds = new[] { sandbox },
            workspaceEvents = true,
        };

    private async Task<string> StreamAsync() => Text(await MakeAsync("create_audit_stream", Stream()), "stream", "id");

    /// <summary>An app of its own that has registered itself, that the owner has consented to, and that has called.</summary>
    private async Task<string> AppAsync()
    {
        var issuer = suite.RequireIssuer();
        using var http = new HttpClient();
        // Not chunked: the door wants to know how much comes.
        var metadata = JsonSerializer.Serialize(
            new
            {
                client_name = Name(),
                redirect_uris = new[] { AuthorizationCode.Redirect },
                token_endpoint_auth_method = "none",
                scope = "workspace:read",
            }
        );
        using var registered = await http.PostAsync(
            new Uri($"{issuer}/clients-registrations/openid-connect"),
            new StringContent(metadata, Encoding.UTF8, "application/json")
        );
        var app = await registered.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(registered.IsSuccessStatusCode, app.GetRawText());
        var clientId = Text(app, "client_id");
        var token = await AuthorizationCode.SignInAsync(
            issuer,
            clientId,
            "workspace:read",
            suite.Endpoints.Owner,
            TestContext.Current.CancellationToken
        );
        using var calls = new RawCalls(suite.Endpoints.Mcp, token);
        await calls.CallAsync("whoami", new { });
        return clientId;
    }
}
