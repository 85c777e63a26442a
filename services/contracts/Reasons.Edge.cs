namespace Platform.Contracts;

/// <summary>Why the edge refuses a call before it reaches a service, or ends it.</summary>
public static partial class Reasons
{
    // Connections to the edge.

    [Reason("HTTP 401", "The token is not known.", "Sign in again, or use another personal token.")]
    public const string UnknownToken = "UNKNOWN_TOKEN";

    [Reason("HTTP 401", "The token has expired.", "Sign in again, or make a new personal token.")]
    public const string TokenExpired = "TOKEN_EXPIRED";

    [Reason("HTTP 401", "The token was revoked.", "Sign in again, or make a new personal token.")]
    public const string TokenRevoked = "TOKEN_REVOKED";

    [Reason(
        "HTTP 403",
        "The account has an e-mail address that nobody has verified.",
        "Open the link in the mail that the sign-in server sent."
    )]
    public const string EmailNotVerified = "EMAIL_NOT_VERIFIED";

    [Reason("HTTP 403", "The person is not a member of a workspace here.", "Ask an admin of the workspace for an invitation.")]
    public const string NoMembership = "NO_MEMBERSHIP";

    [Reason("HTTP 400", "The person is a member of several workspaces, and the URL names none.", "Add ?workspace= to the URL.")]
    public const string WorkspaceRequired = "WORKSPACE_REQUIRED";

    [Reason("HTTP 403", "The workspace does not allow MCP.", "Ask an admin of the workspace to turn it on.")]
    public const string McpDisabled = "MCP_DISABLED";

    [Reason("HTTP 429", "The token has made too many calls.", "Wait a second.")]
    public const string RateLimited = "RATE_LIMITED";

    // What a call may do.

    [Reason("HTTP 403 or tool error", "There is no such environment for this member.", "Take the environment from whoami.")]
    public const string EnvironmentNotFound = "ENVIRONMENT_NOT_FOUND";

    [Reason(
        "HTTP 403 or tool error",
        "The workspace does not let MCP reach production.",
        "Use the sandbox, or ask an admin of the workspace to allow it."
    )]
    public const string ProductionNotAllowed = "PRODUCTION_NOT_ALLOWED";

    [Reason("tool error", "The URL of this connection is limited to another environment.", "Leave `environment` out.")]
    public const string EnvironmentNotAllowed = "ENVIRONMENT_NOT_ALLOWED";

    [Reason("tool error", "The workspace lets MCP read only.", "Ask an admin of the workspace to allow changes in its MCP settings.")]
    public const string WritesNotAllowed = "WRITES_NOT_ALLOWED";

    [Reason(
        "HTTP 403 or tool error",
        "The token does not have the scope that the tool needs.",
        "Sign in again with the scope, or make a personal token that has it."
    )]
    public const string InsufficientScope = "INSUFFICIENT_SCOPE";

    [Reason("tool error", "The user was asked and did not agree. Nothing was changed.", "Ask the user what they want instead.")]
    public const string NotConfirmed = "NOT_CONFIRMED";

    // What a call names.

    [Reason("JSON-RPC error", "There is no such tool here, for this caller and this URL.", "List the tools.")]
    public const string UnknownTool = "UNKNOWN_TOOL";

    [Reason("tool error", "There is no such operation here, for this caller and this URL.", "Find names with list_operations.")]
    public const string UnknownOperation = "UNKNOWN_OPERATION";

    [Reason("JSON-RPC error", "There is no such method in this version of the protocol.", "Use the methods of the protocol version.")]
    public const string UnknownMethod = "UNKNOWN_METHOD";

    [Reason("tool error", "There is no such toolset here.", "Use one of those that the message names.")]
    public const string UnknownToolset = "UNKNOWN_TOOLSET";

    [Reason("JSON-RPC error", "There is no such resource.", "List the resources.")]
    public const string UnknownResource = "UNKNOWN_RESOURCE";

    [Reason(
        "tool error",
        "The operation reads and was called with mutate, or changes something and was called with query.",
        "Call it with the other one."
    )]
    public const string WrongTool = "WRONG_TOOL";

    // How a call ends early.

    [Reason(
        "tool error",
        "A service did not answer in time. A change may have happened anyway.",
        "Look before you repeat a change; ask for less when you read."
    )]
    public const string DeadlineExceeded = "DEADLINE_EXCEEDED";

    [Reason("tool error", "The request or its answer is too large.", "Ask for less at a time.")]
    public const string TooLarge = "TOO_LARGE";

    [Reason("in the audit log only", "The client went away before the answer.", "Look before you repeat a change.")]
    public const string Cancelled = "CANCELLED";
}
