using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Platform.Bench.Campaign;

/// <summary>One call and what came of it.</summary>
/// <param name="Kind">What kind of call it was, as the table of recoveries has it.</param>
/// <param name="TraceId">Sent along; the audit log has it, too. Empty for what is not a tool.</param>
/// <param name="Answer"><c>ok</c>, <c>preview</c>, the reason of a refusal or failure, or <c>lost</c> when no answer came.</param>
/// <param name="Text">The text of a refusal or failure.</param>
internal sealed partial record Attempt(
    string Kind,
    string Tool,
    string TraceId,
    DateTimeOffset Began,
    DateTimeOffset Ended,
    string Answer,
    string? Text,
    JsonObject? Content
)
{
    public const string Ok = "ok";
    public const string Preview = "preview";
    public const string Lost = "lost";
    public const string Unknown = "OUTCOME_UNKNOWN";

    public bool IsGood => Answer is Ok or Preview;

    /// <summary>It says that nobody knows whether it happened, or it says nothing.</summary>
    public bool MayHaveHappened => Answer is Ok or Lost or Unknown;

    /// <summary>Over soon, and not the caller's fault.</summary>
    public bool IsOutage =>
        Answer is Lost or Unknown or "UNAVAILABLE" or "INTERNAL" or "BUSY" or "DEADLINE_EXCEEDED" || Answer.StartsWith('5');

    /// <summary>The id of the call, as an answer of unknown outcome tells it.</summary>
    public string? ToldCallId => Text is not null && CallId().Match(Text) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex("call's id is ([0-9a-f-]{36})")]
    private static partial Regex CallId();
}

/// <summary>Something that the campaign wants done once.</summary>
/// <param name="What">What the checks count: <c>record</c>, <c>organization</c>, … Null where the events alone tell.</param>
/// <param name="Marker">The name by which it is found; nothing else has it.</param>
/// <param name="Size">How many of it one call makes.</param>
/// <param name="IsKeyed">With an idempotency key, and repeated until it was answered.</param>
internal sealed record Deed(string? What, string Marker, int Size, bool IsKeyed)
{
    public List<Attempt> Attempts { get; } = [];

    /// <summary>What was made may be gone again, so that only its events can be counted.</summary>
    public bool IsTakenBack { get; set; }

    public bool IsDone => Attempts.Any(attempt => attempt.Answer == Attempt.Ok);

    public bool MayBeDone => Attempts.Any(attempt => attempt.MayHaveHappened);
}
