using System.Text.Json;

namespace Platform.Demo.Steps;

/// <summary>Streams the audit log to the local receiver. The stream stays for the next run of the demo, which takes it up again.</summary>
internal static class AuditStream
{
    private static readonly string[] _tags = ["source:demo"];

    /// <returns>The id of the stream.</returns>
    public static async Task<string> OpenAsync(
        Agent agent,
        DatadogReceiver receiver,
        string task,
        Story story,
        CancellationToken cancellationToken
    )
    {
        // Bound to the key: when that was thrown away with artifacts/, so was the receiver that the earlier stream knew.
        var name = $"Demo {receiver.Key[..8]}";
        var streams = await agent.CallUntilAnsweredAsync("list_audit_streams", new { }, cancellationToken);
        var known = streams
            .GetProperty("streams")
            .EnumerateArray()
            .FirstOrDefault(stream => stream.GetProperty("name").GetString() == name);
        // The demo leaves production closed to MCP, so its stream carries the sandbox and what belongs to the workspace as a whole.
        var environments = await agent.CallUntilAnsweredAsync("list_environments", new { }, cancellationToken);
        var sandbox = environments
            .GetProperty("environments")
            .EnumerateArray()
            .First(environment => environment.GetProperty("kind").GetString() == "sandbox")
            .GetProperty("id")
            .GetString();
        var answer =
            known.ValueKind == JsonValueKind.Object
                ? await agent.CallUntilAnsweredAsync(
                    "test_audit_stream",
                    new { streamId = known.GetProperty("id").GetString(), task },
                    cancellationToken
                )
                : await agent.CallUntilAnsweredAsync(
                    "create_audit_stream",
                    new
                    {
                        type = "datadog",
                        name,
                        datadog = new
                        {
                            site = "datadoghq.com",
                            apiKey = receiver.Key,
                            tags = _tags,
                        },
                        start = "beginning",
                        environmentIds = new[] { sandbox },
                        workspaceEvents = true,
                        idempotencyKey = Guid.CreateVersion7().ToString("N"),
                        task,
                    },
                    cancellationToken
                );
        var id = answer.GetProperty("stream").GetProperty("id").GetString()!;
        story.Say(
            known.ValueKind == JsonValueKind.Object
                ? $"Took up the stream {id} of an earlier run."
                : $"Created the stream {id} from the beginning of the log."
        );
        story.Check(
            answer.GetProperty("test").GetProperty("result").GetString() == "accepted",
            $"The receiver answers: {answer.GetProperty("test").GetRawText()}"
        );
        story.Check(!answer.GetRawText().Contains(receiver.Key, StringComparison.Ordinal), "The answer does not show the key.");
        return id;
    }
}
