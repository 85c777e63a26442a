namespace Platform.Audit.Contracts;

/// <summary>What became of an audited call. The first five are the words of the trailer <c>x-outcome</c>.</summary>
public static class AuditOutcomes
{
    public const string Committed = "committed";
    public const string Previewed = "previewed";
    public const string Replayed = "replayed";
    public const string Unchanged = "unchanged";
    public const string Read = "read";

    /// <summary>Policy, permission, scope, limit or shape said no.</summary>
    public const string Refused = "refused";

    /// <summary>It was allowed and went wrong.</summary>
    public const string Failed = "failed";

    public static IReadOnlyList<string> All { get; } = [Committed, Previewed, Replayed, Unchanged, Read, Refused, Failed];
}
