using System.Text.Json;

namespace Platform.Demo.Steps;

/// <summary>The organization that the demo creates, fills with people and deletes.</summary>
/// <param name="Bystander">Another organization, that must not be deleted by the first one's confirmation.</param>
internal sealed record Customer(string Id, string Bystander)
{
    private const string Missing = "NOT_FOUND";

    public static async Task<Customer> CreateAsync(Agent agent, string task, Story story, CancellationToken cancellationToken)
    {
        var run = Guid.CreateVersion7().ToString("N");
        var customer = new Customer(await CreateOneAsync("Northwind Traders"), await CreateOneAsync("Bystander & Sons"));
        story.Say($"Created {customer.Id}, and {customer.Bystander} beside it.");
        return customer;

        async Task<string> CreateOneAsync(string name)
        {
            var answer = await agent.CallUntilAnsweredAsync(
                "create_organization",
                new
                {
                    name,
                    domains = new[] { $"{name.Split(' ')[0].ToLowerInvariant()}-{run[^12..]}.example" },
                    metadata = new { plan = "enterprise" },
                    idempotencyKey = $"{run}-{name.Length}",
                    task,
                },
                cancellationToken
            );
            return answer.GetProperty("organization").GetProperty("id").GetString()!;
        }
    }

    /// <summary>Invites everybody of people.csv in one call: a bad row is reported, and the others go ahead.</summary>
    public async Task InviteAsync(Agent agent, string task, Story story, CancellationToken cancellationToken)
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "people.csv"), cancellationToken);
        var people = lines.Skip(1).Select(line => line.Split(',')).Select(cells => new { email = cells[0], role = cells[1] }).ToList();
        var answer = await agent.CallUntilAnsweredAsync(
            "create_invitations",
            new
            {
                organizationId = Id,
                invitations = people,
                idempotencyKey = Guid.CreateVersion7().ToString("N"),
                task,
            },
            cancellationToken
        );
        var results = answer.GetProperty("results").EnumerateArray().ToList();
        story.Table(
            ["Outcome", "Rows", "Such as", "Why"],
            [
                .. results
                    .Select((result, row) => (Result: result, people[row].email))
                    .GroupBy(row => Text(row.Result, "outcome"))
                    .Select(outcome =>
                        (IReadOnlyList<string>)
                            [outcome.Key, $"{outcome.Count()}", outcome.First().email, Text(outcome.First().Result, "problem")]
                    ),
            ]
        );
        story.Check(results.Count == people.Count, $"{results.Count} results for {people.Count} rows.");
        story.Check(
            Outcomes("invalid") == 2 && Outcomes("already_invited") == 2 && Outcomes("created") == people.Count - 4,
            "A bad address and a bad role were refused, two people named twice invited once, everybody else invited."
        );

        var listed = await agent.CallUntilAnsweredAsync(
            "list_invitations",
            new
            {
                organizationId = Id,
                state = "pending",
                limit = 200,
            },
            cancellationToken
        );
        story.Check(listed.GetProperty("invitations").GetArrayLength() == people.Count - 4, "list_invitations shows the same.");

        int Outcomes(string outcome) => results.Count(result => Text(result, "outcome") == outcome);
    }

    /// <summary>Deletes in two steps. A confirmation is good for what it showed alone, and once.</summary>
    public async Task DeleteAsync(Agent agent, string task, Story story, CancellationToken cancellationToken)
    {
        var preview = await agent.CallUntilAnsweredAsync("delete_organization", new { organizationId = Id, task }, cancellationToken);
        story.Check(
            preview.GetProperty("confirmationRequired").GetBoolean(),
            $"The first call deletes nothing and shows: {preview.GetProperty("preview").GetRawText()}"
        );
        var confirmation = preview.GetProperty("confirmation").GetString();

        var other = await RefusalAsync(
            agent,
            new
            {
                organizationId = Bystander,
                task,
                confirmation,
            },
            cancellationToken
        );
        story.Check(other is not null, $"The confirmation does not fit another organization: {other}");
        var there = await agent.CallUntilAnsweredAsync("get_organization", new { organizationId = Bystander }, cancellationToken);
        story.Check(there.GetProperty("organization").GetProperty("id").GetString() == Bystander, "That organization is still there.");

        var deleted = await agent.CallUntilAnsweredAsync(
            "delete_organization",
            new
            {
                organizationId = Id,
                task,
                confirmation,
                idempotencyKey = Guid.CreateVersion7().ToString("N"),
            },
            cancellationToken
        );
        story.Check(!IsPreview(deleted), $"The second call deletes: {deleted.GetRawText()}");
        story.Check(await ReasonAsync(agent, "get_organization", new { organizationId = Id }, cancellationToken) == Missing, "It is gone.");
        var again = await RefusalAsync(
            agent,
            new
            {
                organizationId = Id,
                task,
                confirmation,
            },
            cancellationToken
        );
        story.Check(again is not null, $"The confirmation works once: {again}");

        var last = await agent.CallUntilAnsweredAsync("delete_organization", new { organizationId = Bystander, task }, cancellationToken);
        await agent.CallUntilAnsweredAsync(
            "delete_organization",
            new
            {
                organizationId = Bystander,
                task,
                confirmation = last.GetProperty("confirmation").GetString(),
            },
            cancellationToken
        );
    }

    private static bool IsPreview(JsonElement answer) =>
        answer.TryGetProperty("confirmationRequired", out var required) && required.GetBoolean();

    private static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.ToString() : "";

    /// <summary>What was said when nothing was deleted; null when something was.</summary>
    private static async Task<string?> RefusalAsync(Agent agent, object arguments, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await agent.CallUntilAnsweredAsync("delete_organization", arguments, cancellationToken);
            return IsPreview(answer) ? "it is asked for anew" : null;
        }
        catch (ToolRefusedException refused)
        {
            return refused.Message;
        }
    }

    private static async Task<string?> ReasonAsync(Agent agent, string tool, object arguments, CancellationToken cancellationToken)
    {
        try
        {
            await agent.CallUntilAnsweredAsync(tool, arguments, cancellationToken);
            return null;
        }
        catch (ToolRefusedException refused)
        {
            return refused.Reason;
        }
    }
}
