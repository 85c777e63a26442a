using System.ComponentModel.DataAnnotations;

namespace Platform.Edge.Audit;

/// <summary>How call records reach audit. Bound from the section <c>Edge:Audit</c>.</summary>
public sealed record AuditOptions
{
    /// <summary>Where records wait while audit is away, and how far they are numbered. It must outlive the process.</summary>
    [Required]
    public string SpoolDirectory { get; init; } = Path.Combine(AppContext.BaseDirectory, "spool");

    /// <summary>The largest spool in bytes.</summary>
    [Range(1024, long.MaxValue)]
    public long MaxSpoolBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long ordinary reads are gathered before they are sent.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:01")]
    public TimeSpan BatchEvery { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a call waits for audit to take its record.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:30")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Records of ordinary reads that wait in memory to be sent. What does not fit shows as a gap in their numbers.</summary>
    [Range(100, 10_000_000)]
    public int MaxWaiting { get; init; } = 100_000;
}
