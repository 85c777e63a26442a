using System.Collections.Frozen;
using System.Text.Json;
using Platform.Contracts;
using Platform.Edge.Transcoding;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Callers;

/// <summary>What identity said about a credential in one environment, prepared for many calls.</summary>
internal sealed class ResolvedCaller
{
    private readonly Dictionary<string, string> _authorizations;

    public ResolvedCaller(ResolveCallerResponse answer)
    {
        Refusal = answer.Refusal;
        RefusalMessage = answer.RefusalMessage;
        Caller = answer.Caller ?? new Caller();
        IsPersonal = Caller.Token?.Kind == "personal";
        RolePermissions = Caller.RolePermissions.ToFrozenSet(StringComparer.Ordinal);
        Scopes = Caller.Scopes.ToFrozenSet(StringComparer.Ordinal);
        _authorizations = answer.Assertions.ToDictionary(pair => pair.Key, pair => $"Bearer {pair.Value}", StringComparer.Ordinal);
        Details = WriteDetails();
        EnvironmentJson = WriteEnvironment();
    }

    public Refusal Refusal { get; }

    public string RefusalMessage { get; }

    public Caller Caller { get; }

    public bool IsPersonal { get; }

    public FrozenSet<string> RolePermissions { get; }

    public FrozenSet<string> Scopes { get; }

    public bool WritesAllowed => Caller.Switches?.WriteAccess == true;

    public bool IsStrict => Caller.Switches?.StrictAudit == true;

    /// <summary>Identity could not ask directory: the caller is who they were, and nobody administers meanwhile.</summary>
    public bool IsRecalled => Caller.MembershipAsOf is not null;

    public bool IsProduction => Caller.Environment?.Kind == "production";

    /// <summary>Whose calls are counted together. An access token without a session counts by its owner and client.</summary>
    public string RateKey => Caller.Token is { TokenId.Length: > 0 } token ? token.TokenId : $"{Caller.MemberId}@{Caller.Token?.ClientId}";

    public string Role => Caller.Environment?.Role ?? "";

    /// <summary>What the decision was made from, for the audit record: members of a JSON object, without braces.</summary>
    public byte[] Details { get; }

    /// <summary>Id, name and kind of the environment as every answer names it.</summary>
    public byte[] EnvironmentJson { get; }

    /// <summary>The Authorization value for a service; null when identity gave none.</summary>
    public string? AuthorizationFor(string service) => _authorizations.GetValueOrDefault(service);

    /// <summary>Whether the member could use the permission in any environment that may be reached.</summary>
    public bool MayAnywhere(string permission) =>
        RolePermissions.Contains(permission)
        || Caller.Environments.Any(environment => environment.Allowed && Roles.PermissionsOf(environment.Role).Contains(permission));

    /// <summary>Whether a name given as an argument means the environment of this decision.</summary>
    public bool IsIn(string environment) =>
        Caller.Environment is { } here
        && (
            environment == here.EnvironmentId
            || string.Equals(environment, here.Name, StringComparison.OrdinalIgnoreCase)
            || environment == here.Kind
        );

    private byte[] WriteDetails() =>
        Members(json =>
        {
            if (Caller.Token is { } token)
            {
                json.WriteString("tokenKind"u8, token.Kind);
            }

            json.WriteStartArray("scopes"u8);
            foreach (var scope in Caller.Scopes)
            {
                json.WriteStringValue(scope);
            }

            json.WriteEndArray();
            if (Caller.Switches is { } switches)
            {
                json.WriteStartObject("switches"u8);
                json.WriteBoolean("enabled"u8, switches.Enabled);
                json.WriteBoolean("productionAccess"u8, switches.ProductionAccess);
                json.WriteBoolean("writeAccess"u8, switches.WriteAccess);
                json.WriteBoolean("strictAudit"u8, switches.StrictAudit);
                json.WriteEndObject();
            }
            if (Caller.Environment is { } environment)
            {
                json.WriteString("environment"u8, environment.Name);
            }
            if (Caller.MembershipAsOf is { } asOf)
            {
                json.WriteString("membershipAsOf"u8, asOf.ToDateTimeOffset());
            }
        });

    private byte[] WriteEnvironment() =>
        Members(json =>
        {
            json.WriteStartObject("environment"u8);
            json.WriteString("id"u8, Caller.Environment?.EnvironmentId ?? "");
            json.WriteString("name"u8, Caller.Environment?.Name ?? "");
            json.WriteString("kind"u8, Caller.Environment?.Kind ?? "");
            json.WriteEndObject();
        });

    private static byte[] Members(Action<Utf8JsonWriter> write)
    {
        using var buffer = new PooledBuffer(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan[1..^1].ToArray();
    }
}
