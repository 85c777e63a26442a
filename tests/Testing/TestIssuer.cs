using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Testing;

/// <summary>Somebody who calls: a member with a role in an environment of a workspace, or a service.</summary>
public sealed record TestCaller
{
    public Guid Workspace { get; init; } = Ids.New();

    public Guid? Environment { get; init; } = Ids.New();

    public string EnvironmentKind { get; init; } = "sandbox";

    public Guid? Member { get; init; } = Ids.New();

    public string Role { get; init; } = Roles.Owner;

    /// <summary>What the role may do, unless told otherwise.</summary>
    public IReadOnlyCollection<string>? Permissions { get; init; }

    /// <summary>The workspace's environments beside the one of the call. There are none unless told otherwise.</summary>
    public IReadOnlyList<ReachedEnvironment> Others { get; init; } = [];

    /// <summary>False when the workspace does not let MCP reach the environment of the call.</summary>
    public bool IsOpen { get; init; } = true;

    public string Token { get; init; } = "tok_test";

    public string Client { get; init; } = "test";

    public string? Service { get; init; }

    /// <summary>What the caller may do, unless told otherwise, as identity works it out of the role.</summary>
    public IReadOnlySet<string> Effective => (Permissions ?? [.. Roles.PermissionsOf(Role)]).ToHashSet();

    public Reach Reach =>
        new([.. Environment is { } here ? [new ReachedEnvironment(here, EnvironmentKind, Role, Effective, IsOpen), .. Others] : Others]);

    /// <summary>An environment in which a member has a built-in role, or none.</summary>
    public static ReachedEnvironment Other(Guid environment, string kind = "production", string role = "", bool isOpen = true) =>
        new(environment, kind, role, Roles.PermissionsOf(role), isOpen);

    public static TestCaller AsService(string service) =>
        new()
        {
            Service = service,
            Member = null,
            Environment = null,
            Workspace = Guid.Empty,
            Permissions = [],
        };
}

/// <summary>Signs assertions as identity does, with a key of its own.</summary>
public sealed class TestIssuer : IAssertionKeys
{
    private readonly ECDsaSecurityKey _key = new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "test" };
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    public string Issue(TestCaller caller, string audience, DateTimeOffset? expires = null)
    {
        var claims = new Dictionary<string, object>
        {
            [AssertionClaims.Permissions] = caller.Effective.ToArray(),
            [AssertionClaims.Environments] = caller.Reach.ToClaim(),
        };
        if (caller.Workspace != Guid.Empty)
        {
            claims[AssertionClaims.Workspace] = Ids.Format("wks", caller.Workspace);
        }

        if (caller.Environment is { } environment)
        {
            claims[AssertionClaims.Environment] = Ids.Format("env", environment);
            claims[AssertionClaims.EnvironmentKind] = caller.EnvironmentKind;
        }

        if (caller.Member is { } member)
        {
            claims[AssertionClaims.Member] = Ids.Format("mbr", member);
            claims[AssertionClaims.Role] = caller.Role;
            claims[AssertionClaims.Token] = caller.Token;
            claims[AssertionClaims.Client] = caller.Client;
        }

        if (caller.Service is { } service)
        {
            claims[AssertionClaims.Service] = service;
        }

        return _handler.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = AssertionClaims.Issuer,
                Audience = audience,
                Expires = (expires ?? DateTimeOffset.UtcNow.AddHours(24)).UtcDateTime,
                Claims = claims,
                SigningCredentials = new SigningCredentials(_key, SecurityAlgorithms.EcdsaSha256),
            }
        );
    }

    public ValueTask<IReadOnlyList<SecurityKey>> FindAsync(string keyId, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<SecurityKey>>(keyId == _key.KeyId ? [_key] : []);
}
