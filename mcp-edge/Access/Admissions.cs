using Platform.Contracts;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;

namespace Platform.Edge.Access;

/// <summary>A request that may be read: what its token is, and what its URL leaves of the surface.</summary>
internal sealed record Admission(Credential Credential, UrlNarrowing Narrowing);

/// <summary>The first step: decides from the URL and the Authorization header alone whether a body is read.</summary>
internal sealed class Admissions(UrlNarrowings narrowings, BearerReader bearers)
{
    /// <summary>Null when the request may be read; its <see cref="Admission"/> is a feature of the request then.</summary>
    public async ValueTask<PolicyRefusal?> AdmitAsync(HttpContext http)
    {
        if (!narrowings.TryRead(http.Request.QueryString, out var narrowing, out var problem))
        {
            return PolicyRefusal.Malformed(problem, StatusCodes.Status400BadRequest);
        }

        var bearer = await bearers.ReadAsync(http);
        if (bearer.Unavailable)
        {
            return PolicyRefusal.Unavailable(bearer.Problem!);
        }

        if (bearer.Credential is not { } credential)
        {
            // A client that sends no token only wants to know where to sign in.
            return bearer.Problem is { } wrong
                ? new(RefusalForm.Unauthorized, Reasons.UnknownToken, wrong) { Scopes = narrowing.Scopes }
                : new(RefusalForm.Unauthorized, "", "") { Scopes = narrowing.Scopes };
        }

        http.Features.Set(new Admission(credential, narrowing));
        return null;
    }
}
