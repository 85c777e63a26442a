using Platform.Contracts;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;
using Platform.Edge.Http;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Access;

/// <summary>Who may do what, in a fixed order: the first rule that says no decides.</summary>
internal sealed class Policy(RateLimiter rates)
{
    /// <summary>The caller's rate is used up.</summary>
    public static PolicyRefusal TooMany { get; } =
        new(
            RefusalForm.Http,
            Reasons.RateLimited,
            "Too many calls with this token. Wait a second.",
            Status: StatusCodes.Status429TooManyRequests
        )
        {
            RetryAfter = 1,
            Code = McpError.TooManyRequests,
        };

    /// <summary>
    /// What identity has refused. <paramref name="asTool"/>: the environment came from the arguments, so the model can name another.
    /// </summary>
    public static PolicyRefusal? OfIdentity(ResolvedCaller caller, UrlNarrowing narrowing, bool asTool)
    {
        var message = caller.RefusalMessage.Length > 0 ? caller.RefusalMessage : "The caller was refused.";
        return caller.Refusal switch
        {
            Refusal.Unspecified => null,
            Refusal.UnknownToken => new(RefusalForm.Unauthorized, Reasons.UnknownToken, message) { Scopes = narrowing.Scopes },
            Refusal.Expired => new(RefusalForm.Unauthorized, Reasons.TokenExpired, message) { Scopes = narrowing.Scopes },
            Refusal.Revoked => new(RefusalForm.Unauthorized, Reasons.TokenRevoked, message) { Scopes = narrowing.Scopes },
            Refusal.WorkspaceRequired => new(RefusalForm.Http, Reasons.WorkspaceRequired, message, Status: StatusCodes.Status400BadRequest),
            Refusal.McpDisabled => new(RefusalForm.Http, Reasons.McpDisabled, message, Status: StatusCodes.Status403Forbidden),
            Refusal.EnvironmentNotFound => new(
                asTool ? RefusalForm.ToolError : RefusalForm.Http,
                Reasons.EnvironmentNotFound,
                message,
                Status: StatusCodes.Status403Forbidden
            ),
            Refusal.ProductionNotAllowed => new(
                asTool ? RefusalForm.ToolError : RefusalForm.Http,
                Reasons.ProductionNotAllowed,
                message,
                Status: StatusCodes.Status403Forbidden
            ),
            Refusal.EmailNotVerified => new(RefusalForm.Http, Reasons.EmailNotVerified, message, Status: StatusCodes.Status403Forbidden),
            _ => new(RefusalForm.Http, Reasons.NoMembership, message, Status: StatusCodes.Status403Forbidden),
        };
    }

    /// <summary>Rules for a tool call, once identity lets the caller pass.</summary>
    public PolicyRefusal? OfCall(ResolvedCaller caller, UrlNarrowing narrowing, ToolBinding? tool, string toolName, string? environment)
    {
        if (environment is not null && narrowing.Environment.Length > 0 && !caller.IsIn(environment))
        {
            return new(
                RefusalForm.ToolError,
                Reasons.EnvironmentNotAllowed,
                $"This connection is limited to the environment {narrowing.Environment}.",
                "Leave `environment` out."
            );
        }
        if (tool is null || !narrowing.Includes(tool))
        {
            return new(RefusalForm.UnknownTool, Reasons.UnknownTool, $"Unknown tool: {toolName}");
        }

        if (!tool.Definition.IsRead && !caller.WritesAllowed)
        {
            return new(
                RefusalForm.ToolError,
                Reasons.WritesNotAllowed,
                "The workspace lets MCP read only.",
                "Ask an administrator of the workspace to allow changes in its MCP settings."
            );
        }
        if (!caller.RolePermissions.Contains(tool.Scope))
        {
            // The tool is no secret: it is in the documents, and to hear that it does not exist would mislead.
            return new(
                RefusalForm.ToolError,
                Reasons.PermissionDenied,
                $"{tool.Name} needs the permission {tool.Scope}, which your role in this environment does not have.",
                "Ask an admin of the workspace for a role that has it."
            );
        }

        if (!caller.Scopes.Contains(tool.Scope))
        {
            return caller.IsPersonal
                ? new(
                    RefusalForm.ToolError,
                    Reasons.InsufficientScope,
                    $"The personal token lacks the scope {tool.Scope}.",
                    $"Ask the user for a personal token with the scope {tool.Scope}."
                )
                : new(
                    RefusalForm.StepUp,
                    Reasons.InsufficientScope,
                    $"{tool.Name} needs the scope {tool.Scope}. Clients that do not ask for it by themselves: sign in again with it."
                )
                {
                    // Older clients ask for exactly what stands here, so what they have stands here too.
                    Scopes = string.Join(' ', Scopes.All.Where(scope => scope == tool.Scope || caller.Scopes.Contains(scope))),
                };
        }

        if (caller.IsRecalled && Scopes.Administrative.Contains(tool.Scope))
        {
            return new(
                RefusalForm.ToolError,
                Reasons.Unavailable,
                "The directory service cannot be reached, and without it nobody administers the workspace.",
                "Try again in a few seconds. What does not administer goes on meanwhile."
            );
        }
        return rates.TryTake(caller.RateKey, !tool.Definition.IsRead) ? null : TooMany;
    }

    /// <summary>Rules for what the edge answers by itself, from what everybody who may call knows anyway.</summary>
    public PolicyRefusal? OfLocal(ResolvedCaller caller) => rates.TryTake(caller.RateKey, write: false) ? null : TooMany;

    /// <summary>Whether a refusal may still make audit work at once; past the caller's rate it is recorded in passing.</summary>
    public bool MayBeHeard(ResolvedCaller caller) => rates.TryTake($"refused:{caller.RateKey}", write: false);
}
