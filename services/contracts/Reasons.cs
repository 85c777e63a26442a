using System.Reflection;

namespace Platform.Contracts;

/// <summary>What docs/problems.md says about a reason.</summary>
/// <param name="status">
/// The gRPC status that it comes with, or how the edge shows it; <c>left alone</c> for what an undo leaves as it is.
/// </param>
/// <param name="meaning">What happened.</param>
/// <param name="fix">What to do. A problem itself often says it more exactly.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class ReasonAttribute(string status, string meaning, string fix) : Attribute
{
    public string Status => status;

    public string Meaning => meaning;

    public string Fix => fix;
}

/// <summary>
/// Why a call fails: the stable upper-case names that clients and models see. A name that was released never changes its meaning. No other
/// file spells one.
/// </summary>
public static partial class Reasons
{
    /// <summary>All reasons by name, with what is documented about them.</summary>
    public static IReadOnlyDictionary<string, ReasonAttribute> All { get; } =
        typeof(Reasons)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral)
            .ToDictionary(field => (string)field.GetRawConstantValue()!, field => field.GetCustomAttribute<ReasonAttribute>()!);

    // What every service can answer.

    [Reason(
        "NotFound",
        "Nothing here has this id. It may not exist, or belong to another workspace or environment.",
        "List what there is, or name another environment."
    )]
    public const string NotFound = "NOT_FOUND";

    [Reason(
        "InvalidArgument",
        "Arguments broke rules of the contract; the violations name each field and its rule.",
        "Correct the named fields and repeat the call."
    )]
    public const string InvalidArgument = "INVALID_ARGUMENT";

    [Reason(
        "PermissionDenied",
        "The role does not have the permission that this needs.",
        "Ask an admin of the workspace for a role that has it."
    )]
    public const string PermissionDenied = "PERMISSION_DENIED";

    [Reason(
        "Unauthenticated",
        "The caller is unknown: the assertion or the token is missing, expired, or meant for another service.",
        "Sign in again."
    )]
    public const string Unauthenticated = "UNAUTHENTICATED";

    [Reason("Unavailable", "A service, its database or the sign-in server cannot be reached.", "Try again in a few seconds.")]
    public const string Unavailable = "UNAVAILABLE";

    [Reason(
        "Unavailable",
        "The call was sent, and its answer was lost: what it asked for may have happened or not.",
        "Repeat it with the same idempotencyKey; without one, look first whether it happened."
    )]
    public const string OutcomeUnknown = "OUTCOME_UNKNOWN";

    [Reason("Aborted", "Others are changing the same things right now. Nothing was changed.", "Try again in a few seconds.")]
    public const string Busy = "BUSY";

    [Reason("Internal", "Something unforeseen happened. The answer says nothing about it but its trace id.", "Report the trace id.")]
    public const string Internal = "INTERNAL";

    [Reason(
        "FailedPrecondition",
        "Somebody changed it since it was read, so it has another version than expected.",
        "Read it again, and repeat the change with its version."
    )]
    public const string VersionConflict = "VERSION_CONFLICT";

    [Reason("FailedPrecondition", "Another one has this name already.", "Use that one, or choose another name.")]
    public const string NameTaken = "NAME_TAKEN";

    [Reason(
        "FailedPrecondition",
        "A unique value belongs to another record or row. Also a reason why an undo leaves something alone.",
        "Send another value, or change the one that has it."
    )]
    public const string ValueTaken = "VALUE_TAKEN";

    [Reason("FailedPrecondition", "The workspace has as many of them as it can have.", "Delete or change one.")]
    public const string LimitReached = "LIMIT_REACHED";

    // Calls that are repeated or confirmed.

    [Reason(
        "FailedPrecondition",
        "The idempotency key was used with other arguments, or in another environment or task, within the last 24 hours.",
        "Use a new key for a new call, or repeat the first call exactly."
    )]
    public const string IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED";

    [Reason(
        "FailedPrecondition",
        "The call destroys something; nothing was changed yet. The problem carries a preview and a confirmation.",
        "Look at the preview, and repeat the call with the same arguments and the confirmation."
    )]
    public const string ConfirmationRequired = "CONFIRMATION_REQUIRED";

    [Reason(
        "FailedPrecondition",
        "The confirmation was made for another caller, tool or other arguments.",
        "Repeat the call without a confirmation to see a new preview."
    )]
    public const string ConfirmationInvalid = "CONFIRMATION_INVALID";

    [Reason(
        "FailedPrecondition",
        "The confirmation is older than 5 minutes.",
        "Repeat the call without a confirmation to see a new preview."
    )]
    public const string ConfirmationExpired = "CONFIRMATION_EXPIRED";

    [Reason(
        "FailedPrecondition",
        "The confirmation was used or declined already.",
        "Repeat the call without a confirmation to see a new preview."
    )]
    public const string ConfirmationUsed = "CONFIRMATION_USED";

    [Reason(
        "FailedPrecondition",
        "What would be destroyed has changed since the preview.",
        "Repeat the call without a confirmation to see a new preview."
    )]
    public const string ConfirmationStale = "CONFIRMATION_STALE";

    // Tasks and undo.

    [Reason(
        "NotFound",
        "There is no such task of this caller in this environment.",
        "Open a task with begin_task, or name the environment in which it was begun."
    )]
    public const string TaskNotFound = "TASK_NOT_FOUND";

    [Reason(
        "NotFound",
        "No call with this id has changed anything in this environment.",
        "Take the call id from the answer of a change or from search_audit_events, or name another environment."
    )]
    public const string ChangeNotFound = "CHANGE_NOT_FOUND";

    [Reason(
        "FailedPrecondition",
        "The changes are more than one undo takes back.",
        "Undo the calls of the task one by one with undo_change, newest first."
    )]
    public const string UndoTooLarge = "UNDO_TOO_LARGE";

    [Reason("left alone", "Somebody changed it since, so an undo leaves it as it is.", "Look at who changed it, and decide by hand.")]
    public const string ChangedSince = "CHANGED_SINCE";

    [Reason("left alone", "The change has no inverse, or something else has to be undone first.", "Do what the reason says instead.")]
    public const string CannotBeUndone = "CANNOT_BE_UNDONE";

    // Databases and records.

    [Reason("FailedPrecondition", "The table has as many fields as a table can have.", "Use another table.")]
    public const string TooManyFields = "TOO_MANY_FIELDS";

    [Reason("FailedPrecondition", "The table has as many views as a table can have.", "Delete or change a view.")]
    public const string TooManyViews = "TOO_MANY_VIEWS";

    [Reason(
        "FailedPrecondition",
        "Records have the choice that would be removed, or views filter by it.",
        "Name a choice for them in replaceRemovedWith, or set clearRemoved for records and change the views."
    )]
    public const string ChoiceInUse = "CHOICE_IN_USE";

    [Reason(
        "ResourceExhausted",
        "The query took longer than 15 seconds, or its total longer than 10, and was stopped.",
        "Filter by more, look for text in fewer or shorter fields, or leave out includeTotal."
    )]
    public const string QueryTooSlow = "QUERY_TOO_SLOW";

    [Reason(
        "ResourceExhausted",
        "As many searches of the workspace look through long texts as may do so at a time.",
        "Try again in a few seconds, or filter by shorter fields."
    )]
    public const string TooManyHeavyQueries = "TOO_MANY_HEAVY_QUERIES";

    // Organizations, users and members.

    [Reason(
        "FailedPrecondition",
        "Another one in this environment has this external id.",
        "Get the one that has it, or send another external id."
    )]
    public const string ExternalIdTaken = "EXTERNAL_ID_TAKEN";

    [Reason(
        "FailedPrecondition",
        "Another organization in this environment has this domain.",
        "Use that organization, or leave the domain out."
    )]
    public const string DomainTaken = "DOMAIN_TAKEN";

    [Reason("FailedPrecondition", "Another user in this environment has this e-mail address.", "Get that user by e-mail address.")]
    public const string EmailTaken = "EMAIL_TAKEN";

    [Reason("FailedPrecondition", "The account belongs to another member of the workspace.", "Resolve the member by subject.")]
    public const string SubjectBound = "SUBJECT_BOUND";

    [Reason("FailedPrecondition", "The user is in the organization already.", "Change the membership with update_membership.")]
    public const string MembershipExists = "MEMBERSHIP_EXISTS";

    [Reason("FailedPrecondition", "The invitation was accepted already.", "Change or end the membership instead.")]
    public const string InvitationAccepted = "INVITATION_ACCEPTED";

    [Reason("FailedPrecondition", "The invitation has expired.", "Invite the person again.")]
    public const string InvitationExpired = "INVITATION_EXPIRED";

    [Reason("FailedPrecondition", "The invitation was revoked already.", "Invite the person again if they shall join after all.")]
    public const string InvitationRevoked = "INVITATION_REVOKED";

    [Reason(
        "FailedPrecondition",
        "The invitation was mailed as often as one hour allows.",
        "Try again at the time that the message names."
    )]
    public const string ResendLimit = "RESEND_LIMIT";

    // The audit log and its streams.

    [Reason(
        "FailedPrecondition",
        "The destination of a stream refused the test. Nothing was created or changed.",
        "Check the key or the URL."
    )]
    public const string DestinationRefused = "DESTINATION_REFUSED";

    [Reason(
        "FailedPrecondition",
        "The stream was made by another version of the service, with a type that this one does not know.",
        "Ask whoever operates the platform to update it, or delete the stream."
    )]
    public const string StreamTypeUnknown = "STREAM_TYPE_UNKNOWN";

    [Reason("FailedPrecondition", "The stored secret of the stream cannot be opened.", "Set a new one with update_audit_stream.")]
    public const string SecretUnreadable = "SECRET_UNREADABLE";

    [Reason(
        "FailedPrecondition",
        "The secret of the stream belongs to its destination, and is never shown.",
        "Set a new one with update_audit_stream."
    )]
    public const string NoSigningSecret = "NO_SIGNING_SECRET";

    // Settings for people.

    [Reason(
        "HTTP 403",
        "This API takes only tokens of the platform's own client; an agent's token gets nowhere.",
        "A person has to do it in the platform's settings."
    )]
    public const string NotForAgents = "NOT_FOR_AGENTS";

    [Reason(
        "HTTP 401",
        "What makes or reveals a credential, or opens something to agents, needs a sign-in of the last few minutes.",
        "Sign in again, then repeat the request."
    )]
    public const string SignInTooOld = "SIGN_IN_TOO_OLD";
}
