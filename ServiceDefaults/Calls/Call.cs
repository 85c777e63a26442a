using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Platform.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.ServiceDefaults.Calls;

/// <summary>Who a caller assertion speaks for, and what they may do. Trusted, because identity signed it.</summary>
public sealed record Caller
{
    /// <summary>Empty for a service that works across workspaces.</summary>
    public required Guid WorkspaceId { get; init; }

    public Guid? EnvironmentId { get; init; }

    public string? EnvironmentKind { get; init; }

    public Guid? MemberId { get; init; }

    public string? Role { get; init; }

    /// <summary>Effective: what the role, the token's scopes and the workspace's switches all allow.</summary>
    public required IReadOnlySet<string> Permissions { get; init; }

    /// <summary>The same for every environment of the workspace.</summary>
    public Reach Reach { get; init; } = Reach.None;

    public string? TokenId { get; init; }

    public string? ClientId { get; init; }

    /// <summary>Set when a service calls with its own identity; with a member, for one who asked that service over HTTP.</summary>
    public string? Service { get; init; }

    /// <summary>The member that the service works for.</summary>
    public string? OnBehalfOf { get; init; }

    /// <summary>A service that does something by itself in a workspace. It needs no permission.</summary>
    public static Caller ForService(string service, Guid workspaceId, Guid? environmentId = null) =>
        new()
        {
            WorkspaceId = workspaceId,
            EnvironmentId = environmentId,
            Permissions = FrozenSet<string>.Empty,
            Service = service,
        };
}

/// <summary>One call of one tool: its caller and what travelled beside the request.</summary>
public sealed class Call
{
    public required string CallId { get; init; }

    public required Caller Caller { get; init; }

    /// <summary>Null for rpcs that are not tools.</summary>
    public required ToolDefinition? Definition { get; init; }

    public required IMessage Request { get; init; }

    public string? Task { get; init; }

    public bool DryRun { get; init; }

    public string? IdempotencyKey { get; init; }

    public string? Confirmation { get; init; }

    /// <summary>A confirmation that the user was asked about and did not give. The call only makes sure that it stays so.</summary>
    public string? Declined { get; init; }

    public string Tool => Definition?.Name ?? "";

    /// <summary>
    /// The same for two calls that mean the same, whoever makes them: all that decides what a call does is in it, what travels beside the
    /// request as well. It leaves out what only says how the call is made: its id, its key, a dry run, a confirmation.
    /// </summary>
    public byte[] Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(WorkspaceId.ToByteArray());
        Append(EnvironmentId?.ToByteArray());
        Append(Encoding.UTF8.GetBytes(Tool));
        Append(Task is null ? null : Encoding.UTF8.GetBytes(Task));
        Append(Request.ToByteArray());
        return hash.GetHashAndReset();

        // With its length, so that no two lists of parts run together to the same bytes.
        void Append(byte[]? part)
        {
            Span<byte> length = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, part?.Length ?? -1);
            hash.AppendData(length);
            hash.AppendData(part ?? []);
        }
    }

    public Guid WorkspaceId => Caller.WorkspaceId;

    public Guid? EnvironmentId => Caller.EnvironmentId;

    /// <summary>Whether it is a tool of the workspace as a whole. Where its caller stands says nothing about what it does.</summary>
    internal bool IsOfWorkspace => Definition is { IsEnvironmentBound: false };

    /// <summary>The member as the API names it, <c>mbr_…</c>, or the service's name.</summary>
    public string ActorId => Caller.MemberId is { } member ? Ids.Format("mbr", member) : Caller.Service ?? "";

    internal Actor Actor =>
        new(Caller.MemberId is null ? "service" : "member", ActorId, Caller.Role, Caller.TokenId, Caller.ClientId, Caller.OnBehalfOf);
}

public static class CallContext
{
    private static readonly object _key = new();

    /// <summary>The call that <see cref="CallInterceptor"/> established.</summary>
    public static Call Call(this ServerCallContext context) => (Call)context.UserState[_key];

    internal static void Set(ServerCallContext context, Call call) => context.UserState[_key] = call;
}

/// <summary>The metadata that travels beside requests and answers.</summary>
public static class CallMetadata
{
    public const string CallId = "x-call-id";
    public const string Task = "x-task";
    public const string IdempotencyKey = "x-idempotency-key";
    public const string DryRun = "x-dry-run";
    public const string Confirmation = "x-confirmation";

    /// <summary>
    /// A confirmation that its user declined. It has a name of its own, so that a service that does not know it takes the call for a
    /// preview.
    /// </summary>
    public const string Declined = "x-declined";

    /// <summary>Trailer that says what became of the call, one of <see cref="Outcomes"/>.</summary>
    public const string Outcome = "x-outcome";

    /// <summary>Trailer of a replayed answer: the id of the call that it was given to first.</summary>
    public const string Repeats = "x-repeats";
}

/// <summary>What became of a call that did not fail.</summary>
public static class Outcomes
{
    /// <summary>A change committed; its outbox row is its audit record.</summary>
    public const string Committed = "committed";

    /// <summary>A dry run: nothing changed.</summary>
    public const string Previewed = "previewed";

    /// <summary>The stored answer of an earlier call with the same idempotency key.</summary>
    public const string Replayed = "replayed";

    /// <summary>A write that found everything as it should be.</summary>
    public const string Unchanged = "unchanged";

    public const string Read = "read";
}
