using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service;

/// <summary>What violated constraints of this service's tables mean to a caller.</summary>
internal static class DirectoryConstraints
{
    public static void Describe(ConstraintProblems constraints) =>
        constraints
            .Add("organization_external_id_key", () =>
                Problem.Conflict(
                    Reasons.ExternalIdTaken,
                    "Another organization of this environment has this external id.",
                    "Get it by that external id, or choose another one."
                )
            )
            .Add("organization_domain_verified_key", () =>
                Problem.Conflict(
                    Reasons.DomainTaken,
                    "Another organization of this environment has verified one of these domains.",
                    "List organizations by domain to find it."
                )
            )
            .Add("directory_user_email_key", () =>
                Problem.Conflict(Reasons.EmailTaken, "Another user of this environment has this e-mail address.", "Get that user by email.")
            )
            .Add("directory_user_external_id_key", () =>
                Problem.Conflict(
                    Reasons.ExternalIdTaken,
                    "Another user of this environment has this external id.",
                    "Get that user by external id, or choose another one."
                )
            )
            .Add("member_subject_key", () =>
                Problem.Conflict(
                    Reasons.SubjectBound,
                    "The account is tied to another member of the workspace.",
                    "Resolve the member by subject."
                )
            );
}
