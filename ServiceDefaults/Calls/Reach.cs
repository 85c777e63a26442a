using System.Collections.Frozen;
using System.Text.Json;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Calls;

/// <summary>An environment of the caller's workspace, and what the caller may do there.</summary>
/// <param name="Kind"><c>sandbox</c> or <c>production</c>.</param>
/// <param name="Role">Empty: the member has no role there, and never hears of it.</param>
/// <param name="Permissions">What role, token and the write switch allow together.</param>
/// <param name="IsOpen">False while the workspace does not let MCP reach it.</param>
public sealed record ReachedEnvironment(Guid Id, string Kind, string Role, IReadOnlySet<string> Permissions, bool IsOpen);

/// <summary>
/// All environments of the caller's workspace with the caller's rights in each: the one place that answers whether something may touch
/// them. What a tool of the workspace does, and what people do in the governance API, asks here for each environment that it touches.
/// </summary>
public sealed class Reach(params IReadOnlyList<ReachedEnvironment> environments)
{
    /// <summary>Of a service that acts by itself, and of a caller of whom no environment is known: nothing.</summary>
    public static Reach None { get; } = new();

    public IReadOnlyList<ReachedEnvironment> Environments => environments;

    /// <summary>Whether the caller has a role in it. Other environments do not exist for them.</summary>
    public bool Knows(Guid environment) => environments.Any(one => one.Id == environment && one.Role.Length > 0);

    /// <summary>Whether the permission holds in this environment, and the switches let the caller go there.</summary>
    public bool Has(string permission, Guid environment) => With(permission).Contains(environment);

    /// <summary>Where the permission holds and the switches let the caller go.</summary>
    public IEnumerable<Guid> With(string permission) =>
        environments.Where(one => one.IsOpen && one.Permissions.Contains(permission)).Select(one => one.Id);

    /// <summary>Whether the permission holds in every environment of the workspace, and the switches let the caller go to all.</summary>
    public bool HasEverywhere(string permission) => HasForWorkspace(permission) && environments.All(one => one.IsOpen);

    /// <summary>
    /// Whether the permission holds in every environment of the workspace, so that it holds for what belongs to none of them. The
    /// production switch is about what is in production, so it says nothing about this.
    /// </summary>
    public bool HasForWorkspace(string permission) =>
        environments.Count > 0 && environments.All(one => one.Permissions.Contains(permission));

    /// <summary>Passes when the permission holds in each of these environments, and the switches let the caller go there.</summary>
    /// <exception cref="Grpc.Core.RpcException">PRODUCTION_NOT_ALLOWED or PERMISSION_DENIED.</exception>
    public void Require(string permission, params IEnumerable<Guid> touched)
    {
        var wanted = touched.ToHashSet();
        Require(permission, environments.Where(one => wanted.Contains(one.Id)));
        if (!wanted.IsSubsetOf(environments.Select(one => one.Id)))
        {
            throw Problem.PermissionDeniedSomewhere(permission);
        }
    }

    /// <summary>The same for all environments that the workspace has.</summary>
    public void RequireEverywhere(string permission)
    {
        Require(permission, environments);
        RequireForWorkspace(permission);
    }

    /// <summary>The same for what belongs to no environment: see <see cref="HasForWorkspace"/>.</summary>
    public void RequireForWorkspace(string permission)
    {
        if (!HasForWorkspace(permission))
        {
            throw Problem.PermissionDeniedSomewhere(permission);
        }
    }

    /// <summary>Nothing but this environment, as if the caller had no role in the others.</summary>
    public Reach Only(Guid environment) =>
        new([.. environments.Select(one => one.Id == environment ? one : one with { Role = "", Permissions = FrozenSet<string>.Empty })]);

    // A closed environment is named as such only to those who have a role in it.
    private static void Require(string permission, IEnumerable<ReachedEnvironment> touched)
    {
        foreach (var environment in touched)
        {
            if (environment is { IsOpen: false, Role.Length: > 0 })
            {
                throw Problem.ProductionNotAllowed();
            }

            if (!environment.Permissions.Contains(permission))
            {
                throw Problem.PermissionDeniedSomewhere(permission);
            }
        }
    }

    /// <summary>As the claim <see cref="AssertionClaims.Environments"/> carries it.</summary>
    public JsonElement ToClaim() =>
        JsonSerializer.SerializeToElement(
            environments.Select(one => new Claimed(Ids.Format("env", one.Id), one.Kind, one.Role, [.. one.Permissions], one.IsOpen)),
            EventJson.Options
        );

    /// <param name="claims">The elements of the claim, each as JSON.</param>
    internal static Reach Of(IEnumerable<string> claims) =>
        new([.. claims.Select(claim => JsonSerializer.Deserialize<Claimed>(claim, EventJson.Options)!.ToEnvironment())]);

    private sealed record Claimed(string Id, string Kind, string Role, string[] Permissions, bool IsOpen)
    {
        public ReachedEnvironment ToEnvironment() =>
            new(
                Ids.TryParse("env", Id, out var id) ? id : throw new JsonException($"{Id} is not the id of an environment."),
                Kind,
                Role,
                Permissions.ToFrozenSet(StringComparer.Ordinal),
                IsOpen
            );
    }
}
