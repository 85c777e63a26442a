using System.Text.Json;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

[Collection(TheSuite.Name)]
public sealed class UndoTests(RunningSuite suite)
{
    [Fact]
    public async Task A_task_across_services_is_summed_up_and_taken_back_in_one_call()
    {
        using var calls = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token);
        var database = await CallAsync("create_database", new { name = "Undo " + Guid.NewGuid() });
        var table = await CallAsync(
            "create_table",
            new
            {
                databaseId = database.GetProperty("database").GetProperty("id").GetString(),
                name = "Things",
                fields = new[] { new { name = "Name", type = "text" } },
            }
        );
        var tableId = table.GetProperty("table").GetProperty("id").GetString();
        var begun = await CallAsync("begin_task", new { goal = "To be regretted" });
        var task = begun.GetProperty("taskId").GetString();
        await CallAsync(
            "create_records",
            new
            {
                tableId,
                records = Enumerable.Range(1, 2).Select(n => new { fields = new Dictionary<string, string> { ["Name"] = $"thing {n}" } }),
                task,
            }
        );
        var organization = await CallAsync("create_organization", new { name = "Regretted", task });
        var organizationId = organization.GetProperty("organization").GetProperty("id").GetString();

        var sum = PartsOf(await CallAsync("summarize_task", new { taskId = task }));
        Assert.Equal(
            (2, 1),
            (
                sum["data"].GetProperty("changes")[0].GetProperty("created").GetInt32(),
                sum["directory"].GetProperty("changes")[0].GetProperty("created").GetInt32()
            )
        );

        var preview = await CallAsync("undo_task", new { taskId = task });
        Assert.Equal(2, preview.GetProperty("preview").GetProperty("data").GetProperty("undone")[0].GetProperty("count").GetInt32());
        var undo = await CallAsync("undo_task", new { taskId = task, confirmation = preview.GetProperty("confirmation").GetString() });
        var undone = PartsOf(undo);
        Assert.Equal(
            (2, 1),
            (
                undone["data"].GetProperty("undone")[0].GetProperty("count").GetInt32(),
                undone["directory"].GetProperty("undone")[0].GetProperty("count").GetInt32()
            )
        );
        Assert.Empty((await CallAsync("list_records", new { tableId })).GetProperty("records").EnumerateArray());
        Assert.StartsWith("NOT_FOUND", TextOf(await calls.CallAsync("get_organization", new { organizationId })), StringComparison.Ordinal);

        // One call, by the id that its answer had; the organization is there again with the undo of its removal.
        var single = await CallAsync("undo_change", new { callId = organization.GetProperty("callId").GetString() });
        Assert.Equal(1, PartsOf(single)["directory"].GetProperty("undoneBefore").GetInt32());

        // Both services announced the task, and it is one event; of the undo each has its own.
        Assert.Single(await InAuditAsync(begun, 1));
        Assert.Equal(2, (await InAuditAsync(undo, 2)).Count);

        async Task<JsonElement> CallAsync(string tool, object arguments)
        {
            var answer = await calls.CallAsync(tool, arguments);
            return answer.TryGetProperty("structuredContent", out var content)
                ? content
                : throw new InvalidOperationException($"{tool}: {TextOf(answer)}");
        }

        async Task<List<JsonElement>> InAuditAsync(JsonElement call, int atLeast)
        {
            return await Eventually.AsyncFound<List<JsonElement>>(
                async () =>
                {
                    var events = (
                        await CallAsync("search_audit_events", new { callId = call.GetProperty("callId").GetString() })
                    ).GetProperty("events");
                    return events.GetArrayLength() >= atLeast ? [.. events.EnumerateArray()] : null;
                },
                () => $"{atLeast} events"
            );
        }
    }

    private static Dictionary<string, JsonElement> PartsOf(JsonElement answer) =>
        answer.GetProperty("parts").EnumerateArray().ToDictionary(part => part.GetProperty("service").GetString()!);

    private static string TextOf(JsonElement answer) => answer.GetProperty("content")[0].GetProperty("text").GetString()!;
}
