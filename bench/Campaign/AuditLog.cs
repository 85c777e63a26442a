using System.Text.Json;

namespace Platform.Bench.Campaign;

/// <param name="Leaf">What the tree is made of.</param>
internal sealed record LoggedEvent(
    Guid Workspace,
    long Sequence,
    Guid Id,
    string Action,
    string Outcome,
    string Tool,
    string CallId,
    string TraceId,
    bool IsOfProduction,
    byte[] Leaf,
    byte[] Body
);

internal sealed record LoggedCheckpoint(Guid Workspace, long Size, byte[] Root, string Body, byte[] Signature, byte[] PublicKey);

/// <summary>The audit log as it is in its database when everything has settled.</summary>
internal sealed class AuditLog
{
    private const string ReadEvents = """
        select workspace_id, sequence, event_id, action, outcome, coalesce(tool, ''), coalesce(call_id, ''), environment_id, leaf, body
        from audit.event order by workspace_id, sequence
        """;

    private const string ReadCheckpoints = """
        select c.workspace_id, c.size, c.root, c.body, c.signature, k.public_key
        from audit.checkpoint c join audit.signing_key k on k.id = c.key_id order by c.workspace_id, c.size
        """;

    // Unreported is what is missing and has no gap event.
    public const string ReadNumbers = """
        select coalesce(sum((select sum(upper(r) - lower(r)) from unnest(reported) r)), 0)::bigint,
            count(*) filter (where received + reported <> int8multirange(int8range(1, greatest(upper(received), given + 1))))
        from audit.call_numbers
        """;

    private const string FindProduction = "select id from directory.environment where kind = 'production'";

    public required IReadOnlyList<LoggedEvent> Events { get; init; }

    public required IReadOnlyList<LoggedCheckpoint> Checkpoints { get; init; }

    /// <summary>Numbers of call records that never arrived, and that the log tells of.</summary>
    public required long MissingCalls { get; init; }

    /// <summary>Edge instances with numbers that are missing, and of which the log says nothing.</summary>
    public required long UnreportedGaps { get; init; }

    /// <summary>The demo's: all that the campaign does is in one workspace.</summary>
    public Guid Workspace => Events.GroupBy(one => one.Workspace).MaxBy(group => group.Count())!.Key;

    public static async Task<AuditLog> ReadAsync(Databases databases)
    {
        var production = (await databases.QueryAsync(Databases.Directory, FindProduction, row => row.GetGuid(0))).ToHashSet();
        var events = await databases.QueryAsync(Databases.Audit, ReadEvents, row =>
        {
            var body = row.GetFieldValue<byte[]>(9);
            return new LoggedEvent(
                row.GetGuid(0),
                row.GetInt64(1),
                row.GetGuid(2),
                row.GetString(3),
                row.GetString(4),
                row.GetString(5),
                row.GetString(6),
                Trace(body),
                !row.IsDBNull(7) && production.Contains(row.GetGuid(7)),
                row.GetFieldValue<byte[]>(8),
                body
            );
        });
        var checkpoints = await databases.QueryAsync(Databases.Audit, ReadCheckpoints, row => new LoggedCheckpoint(
            row.GetGuid(0),
            row.GetInt64(1),
            row.GetFieldValue<byte[]>(2),
            row.GetString(3),
            row.GetFieldValue<byte[]>(4),
            row.GetFieldValue<byte[]>(5)
        ));
        var numbers = (await databases.QueryAsync(Databases.Audit, ReadNumbers, row => (row.GetInt64(0), row.GetInt64(1))))[0];
        return new AuditLog
        {
            Events = events,
            Checkpoints = checkpoints,
            MissingCalls = numbers.Item1,
            UnreportedGaps = numbers.Item2,
        };
    }

    private static string Trace(byte[] body)
    {
        using var json = JsonDocument.Parse(body);
        return
            json.RootElement.TryGetProperty("context", out var context)
            && context.TryGetProperty("traceParent", out var trace)
            && trace.ValueKind == JsonValueKind.String
            ? trace.GetString()!.Split('-').ElementAtOrDefault(1) ?? ""
            : "";
    }
}
