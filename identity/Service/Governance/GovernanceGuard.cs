using System.Diagnostics;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.Keycloak;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Governance;

/// <summary>
/// Lets in the first-party client alone, and turns whatever is thrown into a problem. A genuine token of anybody else, an agent's above
/// all, gets 403; no token, or one that is nobody's, 401; and so does a sign-in that is too old for what <see cref="FreshSignIn"/> marks.
/// </summary>
internal sealed partial class GovernanceGuard(
    AccessTokenValidator accessTokens,
    Revocations revocations,
    MemberDirectory directory,
    TimeProvider time,
    ILogger<GovernanceGuard> log
) : IEndpointFilter
{
    private const string Bearer = "Bearer ";

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            return await AdmitAsync(http) ?? await next(context);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            throw;
        }
        catch (KeycloakUnavailableException exception)
        {
            LogAway(exception);
            return GovernanceProblem.Of(
                StatusCodes.Status503ServiceUnavailable,
                Reasons.Unavailable,
                "The sign-in server does not answer.",
                "Try again in a few seconds."
            );
        }
        catch (RpcException exception) when (Problem.Read(exception) is { } problem)
        {
            return GovernanceProblem.Of(exception.StatusCode, problem);
        }
        catch (NpgsqlException exception) when (exception.IsTransient)
        {
            LogDatabaseAway(exception);
            return GovernanceProblem.Of(
                StatusCodes.Status503ServiceUnavailable,
                Reasons.Unavailable,
                "The database does not answer.",
                "Try again in a few seconds."
            );
        }
        catch (Exception exception)
        {
            LogFailed(exception, http.Request.Path);
            return GovernanceProblem.Of(
                StatusCodes.Status500InternalServerError,
                Reasons.Internal,
                "Something unforeseen happened.",
                $"Report the trace id {Activity.Current?.TraceId.ToString() ?? "none"}."
            );
        }
    }

    /// <summary>Null when the caller may pass; it is in <see cref="GovernanceProblem.Caller"/> then.</summary>
    private async Task<IResult?> AdmitAsync(HttpContext http)
    {
        var authorization = http.Request.Headers.Authorization.ToString();
        if (!authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return Challenge(http, "A token of the platform's own client is missing.");
        }

        var text = authorization[Bearer.Length..].Trim();
        if (Contracts.PersonalToken.IsWellFormed(text))
        {
            return Forbidden();
        }

        var (state, token) = await accessTokens.ValidateAsync(text, http.RequestAborted);
        if (state != AccessTokenState.Genuine)
        {
            return Challenge(http, state == AccessTokenState.Expired ? "The token has expired." : "The token is not one of this realm.");
        }

        if (token!.ClientId != GovernanceApi.Client || token.Audiences.Count != 1 || !token.Audiences.Contains(GovernanceApi.Audience))
        {
            return Forbidden();
        }

        if (await revocations.IsRevokedAsync(token, http.RequestAborted))
        {
            return Challenge(http, "The sign-in was ended.");
        }

        var workspace = http.Request.RouteValues["workspace"] as string;
        // Never from memory: what is done here decides about others.
        var found = await directory.FindAsync(token, workspace ?? MemberDirectory.AnyNew, http.RequestAborted);
        var member = workspace is null ? null : found.In(workspace);
        if (workspace is not null && member is null)
        {
            return GovernanceProblem.Of(
                StatusCodes.Status404NotFound,
                Reasons.NotFound,
                $"There is no workspace {workspace} here.",
                "List yours with GET /governance/v1/me."
            );
        }

        http.Items[typeof(GovernanceCaller)] = new GovernanceCaller(token, found.Memberships, member);

        // Once it is known who asks, so that the refusal is in the log of their workspace.
        return
            http.GetEndpoint()?.Metadata.GetMetadata<FreshSignIn>() is not null
            && (token.SignedInAt is not { } at || at < time.GetUtcNow() - FreshSignIn.MaxAge)
            ? SignInAgain(http)
            : null;
    }

    private static IResult Challenge(HttpContext http, string message)
    {
        http.Response.Headers.WWWAuthenticate = "Bearer";
        return GovernanceProblem.Of(
            StatusCodes.Status401Unauthorized,
            Reasons.Unauthenticated,
            message,
            "Sign in with the platform's own client."
        );
    }

    // RFC 9470: the client sends the person to sign in again, with max_age.
    private static IResult SignInAgain(HttpContext http)
    {
        http.Response.Headers.WWWAuthenticate =
            $"Bearer error=\"insufficient_user_authentication\", max_age={FreshSignIn.MaxAge.TotalSeconds:0}";
        return GovernanceProblem.Of(
            StatusCodes.Status401Unauthorized,
            Reasons.SignInTooOld,
            $"This needs a sign-in that is not older than {FreshSignIn.MaxAge.TotalMinutes:0} minutes.",
            "Sign in again, then repeat the request."
        );
    }

    private static IResult Forbidden() =>
        GovernanceProblem.Of(
            StatusCodes.Status403Forbidden,
            Reasons.NotForAgents,
            "This API takes only tokens of the platform's own client.",
            "A person has to do this in the platform's settings."
        );

    [LoggerMessage(4031, LogLevel.Warning, "The governance API could not reach Keycloak")]
    private partial void LogAway(Exception exception);

    [LoggerMessage(4034, LogLevel.Warning, "The governance API could not reach its database")]
    private partial void LogDatabaseAway(Exception exception);

    [LoggerMessage(4032, LogLevel.Error, "{Path} failed")]
    private partial void LogFailed(Exception exception, string path);
}
