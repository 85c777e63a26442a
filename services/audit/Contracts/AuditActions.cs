using System.Collections.Frozen;

namespace Platform.Audit.Contracts;

/// <summary>
/// The actions of the log. The contract of a tool names its deed, such as <c>organization.deleted</c>, and the log says that only of what
/// happened. What was asked for and did not happen has an action of its own, <c>organization.delete.refused</c>, so that whoever counts
/// deeds by their action counts deeds.
/// </summary>
public static class AuditActions
{
    /// <summary>The deed of a call that named no tool.</summary>
    public const string Call = "call";

    // By what the contracts say was done. A test finds a word that is missing.
    private static readonly FrozenDictionary<string, string> _verbs = new Dictionary<string, string>
    {
        ["begun"] = "begin",
        ["created"] = "create",
        ["deleted"] = "delete",
        ["exported"] = "export",
        ["imported"] = "import",
        ["paused"] = "pause",
        ["read"] = "read",
        ["resent"] = "resend",
        ["resumed"] = "resume",
        ["revoked"] = "revoke",
        ["tested"] = "test",
        ["undone"] = "undo",
        ["updated"] = "update",
        ["upserted"] = "upsert",
    }.ToFrozenDictionary();

    /// <summary>The action of a call: its deed where that happened, else what was asked for and what became of it.</summary>
    /// <param name="deed">As the contract names it; or <see cref="Call"/>.</param>
    /// <param name="outcome">One of <see cref="AuditOutcomes"/>.</param>
    public static string Of(string deed, string outcome)
    {
        // An edge of an earlier version names what it refused so by itself.
        if (outcome is AuditOutcomes.Committed or AuditOutcomes.Read || deed.EndsWith($".{outcome}", StringComparison.Ordinal))
        {
            return deed;
        }

        var dot = deed.LastIndexOf('.') + 1;
        return $"{deed[..dot]}{_verbs.GetValueOrDefault(deed[dot..], deed[dot..])}.{outcome}";
    }

    /// <summary>Whether the deed ends in a word that has a form for what did not happen.</summary>
    public static bool IsKnown(string deed) => _verbs.ContainsKey(deed[(deed.LastIndexOf('.') + 1)..]);
}
