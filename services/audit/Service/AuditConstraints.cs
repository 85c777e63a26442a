using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service;

/// <summary>What violated constraints mean to a caller.</summary>
internal static class AuditConstraints
{
    public static void Add(ConstraintProblems constraints) =>
        constraints.Add("stream_name", () =>
            Problem.Conflict(
                Reasons.NameTaken,
                "Another audit stream of this workspace has this name.",
                "Choose another name, or look at list_audit_streams."
            )
        );
}
