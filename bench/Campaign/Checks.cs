using System.Globalization;
using System.Text.RegularExpressions;

namespace Platform.Bench.Campaign;

/// <param name="Promise">What must hold.</param>
/// <param name="Wrong">What does not, one line each; empty when it holds.</param>
internal sealed record Check(string Promise, string Found, IReadOnlyList<string> Wrong);

/// <summary>What became of all that was called, against what was answered.</summary>
internal sealed partial class Checks(
    Ledger ledger,
    AuditLog log,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, int>> counts,
    string mailFolder
)
{
    private const string Committed = "committed";

    // A lease of a mail, and what comes before it was sent.
    private static readonly TimeSpan _beforeMail = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _untilReady = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _afterMail = TimeSpan.FromMinutes(3);
    private static readonly HashSet<string> _mailNeeds = ["directory", "postgres", Databases.Directory];

    private readonly ILookup<string, LoggedEvent> _byTrace = log.Events.ToLookup(one => one.TraceId);

    public IEnumerable<Check> All() =>
        [ThereOnce(), CommittedOnce(), UnknownTold(), ReadsRecorded(), NothingUnforeseen(), AllAnswered(), MailsOnce()];

    // Rows: all of what was acknowledged, once; none of what was refused; all or nothing of what nobody knows.
    private Check ThereOnce()
    {
        var deeds = ledger.Deeds.Where(deed => deed.What is not null && !deed.IsTakenBack && deed.Attempts.Count > 0).ToList();
        var wrong = deeds
            .Select(deed => (Deed: deed, Found: counts[deed.What!].GetValueOrDefault(deed.Marker)))
            .Where(one => !IsRight(one.Deed, one.Found / (double)one.Deed.Size))
            .Select(one => $"{one.Deed.What} {one.Deed.Marker}: {one.Found} of {one.Deed.Size}, answered {Answers(one.Deed)}")
            .ToList();
        return new(
            "Every acknowledged write is there exactly once; what was refused is not there",
            $"{deeds.Count(deed => deed.IsDone)} acknowledged, {deeds.Count(deed => !deed.IsDone && deed.MayBeDone)} unknown, "
                + $"{deeds.Count(deed => !deed.MayBeDone)} refused",
            wrong
        );
    }

    // Events: the same by the log, for updates, deletions and undo, too.
    private Check CommittedOnce()
    {
        var deeds = ledger.Deeds.Where(deed => deed.Attempts.Any(attempt => attempt.TraceId.Length > 0)).ToList();
        var wrong = deeds
            .Select(deed => (Deed: deed, Calls: CommittedCalls(deed.Attempts)))
            .Where(one => !IsRight(one.Deed, one.Calls))
            .Select(one => $"{one.Deed.Attempts[0].Tool} {one.Deed.Marker}: {one.Calls} committed calls, answered {Answers(one.Deed)}")
            .ToList();
        return new(
            "Every acknowledged write is in the audit log as one committed call; what was refused is not",
            $"{deeds.Count(deed => deed.IsDone)} acknowledged, {deeds.Count(deed => deed.Attempts.Count > 1)} repeated",
            wrong
        );
    }

    private Check UnknownTold()
    {
        var unknown = ledger.Attempts.Where(attempt => attempt.Answer == Attempt.Unknown && attempt.TraceId.Length > 0).ToList();
        var happened = unknown.Count(attempt => CommittedCalls([attempt]) > 0);
        var wrong = unknown
            .Where(attempt =>
                attempt.ToldCallId is not { } callId
                || _byTrace[attempt.TraceId].Any(one => one.Outcome == Committed && one.CallId != callId)
            )
            .Select(attempt => $"{attempt.Tool} {attempt.TraceId}: {attempt.Text}")
            .ToList();
        return new(
            "Every `OUTCOME_UNKNOWN` names the call's id, by which the log tells whether it happened",
            $"{unknown.Count}, of which {happened} had happened",
            wrong
        );
    }

    private Check ReadsRecorded()
    {
        var answered = ledger.Attempts.Where(attempt => attempt.IsGood && attempt.TraceId.Length > 0).ToList();
        var missing = answered.Where(attempt => !_byTrace[attempt.TraceId].Any()).ToList();
        var twice = answered
            .Where(attempt => _byTrace[attempt.TraceId].Count(one => one.Outcome is "read" or "previewed") > 1)
            .Select(attempt => $"{attempt.Tool} {attempt.TraceId}: recorded twice")
            .ToList();
        var wrong =
            missing.Count > log.MissingCalls
                ? twice.Concat(
                    missing.Select(attempt => $"{attempt.Tool} {attempt.TraceId} at {attempt.Ended:HH:mm:ss.fff}: not in the log")
                )
                : twice;
        return new(
            "Every answered call is in the log once, or inside of a gap that the log reports",
            $"{answered.Count} answered, {missing.Count} not in the log, {log.MissingCalls} reported as missing, "
                + $"{log.UnreportedGaps} gaps unreported",
            [.. wrong, .. Enumerable.Repeat("numbers are missing and unreported", (int)log.UnreportedGaps)]
        );
    }

    private Check NothingUnforeseen()
    {
        var unforeseen = ledger.Attempts.Where(attempt => attempt.Answer is "INTERNAL" or "other" or "500").ToList();
        return new(
            "No failure is unforeseen",
            $"{ledger.Attempts.Count(attempt => !attempt.IsGood)} calls failed: "
                + string.Join(
                    ", ",
                    ledger
                        .Attempts.Where(attempt => !attempt.IsGood)
                        .GroupBy(attempt => attempt.Answer)
                        .OrderByDescending(group => group.Count())
                        .Select(group => $"{group.Count()} {group.Key}")
                ),
            [.. unforeseen.Select(attempt => $"{attempt.Tool} at {attempt.Ended:HH:mm:ss.fff}: {attempt.Text}")]
        );
    }

    // What has a key is repeated until it is answered, and after everything was there again it is.
    private Check AllAnswered()
    {
        var keyed = ledger.Deeds.Where(deed => deed.IsKeyed).ToList();
        return new(
            "Every write with a key is answered in the end",
            $"{keyed.Count} with a key",
            [.. keyed.Where(deed => !deed.IsDone).Select(deed => $"{deed.Attempts.LastOrDefault()?.Tool}: {Answers(deed)}")]
        );
    }

    // A mail that may have left and was not marked leaves again: only where something that marks it was interrupted.
    private Check MailsOnce()
    {
        var mails = Directory
            .EnumerateFiles(mailFolder, "*.eml")
            .Select(file => MailName().Match(Path.GetFileName(file)))
            .Where(match => match.Success)
            .ToLookup(match => match.Groups[2].Value, match => Time(match.Groups[1].Value));
        var wrong = new List<string>();
        var (once, twice) = (0, 0);
        foreach (var deed in ledger.Deeds.Where(deed => deed.What == Counts.Invitation && deed.Attempts.Count > 0))
        {
            var sent = mails[deed.Marker].Order().ToList();
            var expected = counts[Counts.Invitation].GetValueOrDefault(deed.Marker);
            once += sent.Count == 1 ? 1 : 0;
            twice += sent.Count > 1 ? 1 : 0;
            if (sent.Count < expected || sent.Count > 0 && expected == 0)
            {
                wrong.Add($"{deed.Marker}: {sent.Count} mails for {expected} invitations");
            }
            else if (sent.Count > 1 && !sent.Zip(sent.Skip(1)).All(pair => MayHaveLeft(pair.First, pair.Second)))
            {
                wrong.Add($"{deed.Marker}: sent at {string.Join(", ", sent.Select(time => $"{time:HH:mm:ss.fff}"))} without a reason");
            }
        }

        return new(
            "Every invitation has one mail, or another only where the first may not have left",
            $"{once} once, {twice} again",
            wrong
        );
    }

    private bool MayHaveLeft(DateTimeOffset first, DateTimeOffset second) =>
        second - first < _afterMail + TimeSpan.FromMinutes(1)
        && ledger.Interruptions.Any(interruption =>
            _mailNeeds.Contains(interruption.What) && interruption.Began < first + _beforeMail && interruption.Over > first - _beforeMail
        );

    private int CommittedCalls(IEnumerable<Attempt> attempts) =>
        attempts
            .SelectMany(attempt => _byTrace[attempt.TraceId])
            .Where(one => one.Outcome == Committed)
            .Select(one => one.CallId)
            .Distinct()
            .Count();

    private static bool IsRight(Deed deed, double times) => deed.IsDone ? times == 1 : times == 0 || deed.MayBeDone && times == 1;

    private static string Answers(Deed deed) => string.Join(", ", deed.Attempts.Select(attempt => $"{attempt.Answer} {attempt.TraceId}"));

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.ParseExact(text, "yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    [GeneratedRegex(@"^(\d{8}-\d{6}-\d{3})-(.+)\.eml$")]
    private static partial Regex MailName();
}
