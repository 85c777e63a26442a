using System.Collections.Concurrent;

namespace Platform.Bench.Campaign;

/// <summary>The kinds of calls whose recovery is measured, each by what it needs.</summary>
internal static class Kinds
{
    public const string Whoami = "whoami";
    public const string DataReads = "data reads";
    public const string DataWrites = "data writes";
    public const string DirectoryReads = "directory reads";
    public const string DirectoryWrites = "directory writes";
    public const string Tasks = "undo";
    public const string Audit = "audit search";
    public const string Governance = "governance";
    public const string SignIn = "sign-in";

    public static readonly IReadOnlyList<string> All =
    [
        DataReads,
        DataWrites,
        DirectoryReads,
        DirectoryWrites,
        Tasks,
        Audit,
        Whoami,
        Governance,
        SignIn,
    ];
}

/// <summary>All that was called, wanted and interrupted.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentQueue<Attempt> _attempts = new();
    private readonly ConcurrentQueue<Deed> _deeds = new();
    private readonly List<Interruption> _interruptions = [];

    public IReadOnlyCollection<Attempt> Attempts => _attempts;

    public IReadOnlyCollection<Deed> Deeds => _deeds;

    public IReadOnlyList<Interruption> Interruptions => _interruptions;

    public Attempt Add(Attempt attempt)
    {
        // The content of reads is not needed, and there are many.
        _attempts.Enqueue(attempt with { Content = null });
        return attempt;
    }

    public Deed Add(Deed deed)
    {
        _deeds.Enqueue(deed);
        return deed;
    }

    public void Add(Interruption interruption) => _interruptions.Add(interruption);
}

/// <param name="How"><c>kill</c>, <c>pause</c>, <c>sessions</c> or <c>alarm</c>.</param>
internal sealed record Interruption(string How, string What, DateTimeOffset Began)
{
    /// <summary>When it was undone: the process was started again, or the alarm over.</summary>
    public DateTimeOffset Over { get; set; }
}
