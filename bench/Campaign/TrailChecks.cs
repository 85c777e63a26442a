using System.Security.Cryptography;
using System.Text;
using Platform.Audit.Tests;

namespace Platform.Bench.Campaign;

/// <summary>The log against the outboxes that it comes from, against its own tree, and against what the streams brought.</summary>
internal sealed class TrailChecks(AuditLog log, Databases databases, TrailReceiver receiver)
{
    private const string ReadOutbox = "select event_id from platform.outbox";

    public async Task<IReadOnlyList<Check>> AllAsync() =>
        [await OutboxesArrivedAsync(), Numbered(), TreeVerifies(), Stream(TrailReceiver.Datadog), Stream(TrailReceiver.Https)];

    private async Task<Check> OutboxesArrivedAsync()
    {
        var logged = log.Events.GroupBy(one => one.Id).ToDictionary(group => group.Key, group => group.Count());
        var (events, wrong) = (0, new List<string>());
        foreach (var database in Databases.All)
        {
            foreach (var id in await databases.QueryAsync(database, ReadOutbox, row => row.GetGuid(0)))
            {
                events++;
                if (logged.GetValueOrDefault(id) is var times and not 1)
                {
                    wrong.Add($"{database} {id}: {times} times");
                }
            }
        }

        return new("Every event that was committed is in the log exactly once", $"{events} events", wrong);
    }

    private Check Numbered()
    {
        var wrong = log
            .Events.GroupBy(one => one.Workspace)
            .SelectMany(workspace =>
                workspace
                    .Select((one, index) => (one.Sequence, Expected: index + 1L))
                    .Where(one => one.Sequence != one.Expected)
                    .Take(1)
                    .Select(one => $"workspace {workspace.Key}: {one.Sequence} in the place of {one.Expected}")
            )
            .ToList();
        return new("The sequence has no hole", $"{log.Events.Count} events", wrong);
    }

    private Check TreeVerifies()
    {
        var wrong = new List<string>();
        foreach (var workspace in log.Events.GroupBy(one => one.Workspace))
        {
            var leaves = workspace.Select(one => Rfc6962.Leaf(one.Body)).ToArray();
            wrong.AddRange(workspace.Where((one, i) => !one.Leaf.SequenceEqual(leaves[i])).Select(one => $"leaf {one.Sequence}"));
            foreach (var checkpoint in log.Checkpoints.Where(checkpoint => checkpoint.Workspace == workspace.Key))
            {
                using var key = ECDsa.Create();
                key.ImportSubjectPublicKeyInfo(checkpoint.PublicKey, out _);
                var signed = key.VerifyData(
                    Encoding.UTF8.GetBytes(checkpoint.Body),
                    checkpoint.Signature,
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.Rfc3279DerSequence
                );
                if (
                    !signed
                    || !checkpoint.Root.SequenceEqual(Rfc6962.Root(leaves.AsSpan(0, (int)checkpoint.Size)))
                    || !checkpoint.Body.Contains(Convert.ToBase64String(checkpoint.Root), StringComparison.Ordinal)
                )
                {
                    wrong.Add($"checkpoint {checkpoint.Size}");
                }
            }
        }

        return new("The audit tree verifies: each leaf, root and signature", $"{log.Checkpoints.Count} checkpoints", wrong);
    }

    // Production is closed to MCP, so the streams carry all but that.
    private Check Stream(string name)
    {
        var last = log.Events.Where(one => one.Workspace == log.Workspace).Max(one => one.Sequence);
        var arrived = receiver.EntriesOf(name).Where(entry => entry.Kind == "event" && entry.Sequence <= last).ToList();
        var first = arrived.DistinctBy(entry => entry.Sequence).ToList();
        var bodies = log
            .Events.Where(one => one.Workspace == log.Workspace && !one.IsOfProduction)
            .ToDictionary(one => one.Sequence, one => Encoding.UTF8.GetString(one.Body));
        var wrong = new List<string>();
        wrong.AddRange(
            first
                .Zip(first.Skip(1))
                .Where(pair => pair.Second.Sequence < pair.First.Sequence)
                .Select(pair => $"{pair.Second.Sequence} came after {pair.First.Sequence}")
        );
        wrong.AddRange(bodies.Keys.Except(first.Select(entry => entry.Sequence)).Select(sequence => $"{sequence} never came"));
        wrong.AddRange(
            arrived
                .Where(entry => !bodies.TryGetValue(entry.Sequence, out var body) || body != entry.Message)
                .Select(entry => $"{entry.Sequence} came with another content")
        );
        return new(
            $"The {name} stream is complete and in order",
            $"{first.Count} events, {arrived.Count - first.Count} delivered again",
            wrong
        );
    }
}
