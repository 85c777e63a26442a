using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Lookups;

/// <summary>Who asks for a list or a completion that takes looks into several environments.</summary>
/// <param name="Call">The message, with the caller in the environment that the URL names, or in the default one.</param>
/// <param name="Credential">What the caller is asked after with, for another environment.</param>
/// <param name="Narrowing">What the URL leaves.</param>
internal sealed record Asker(EdgeCall Call, Credential Credential, UrlNarrowing Narrowing)
{
    public ResolvedCaller Caller => Call.Caller!;

    /// <summary>The environments that the member may be in behind this URL.</summary>
    public IEnumerable<ReachableEnvironment> Environments =>
        Caller.Caller.Environments.Where(one => one.Allowed && (Narrowing.Environment.Length == 0 || IsHere(one)));

    /// <summary>Whether calls go there that name no environment.</summary>
    public bool IsHere(ReachableEnvironment environment) => environment.EnvironmentId == Caller.Caller.Environment?.EnvironmentId;
}
