using Grpc.Core;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>One record per member, tool and key, kept 24 h: the digest of the call, its id, and the answer it got.</summary>
internal static class Idempotency
{
    // The insert waits for a concurrent call with the same key, and finds its record once that has committed.
    private const string Claim = """
        insert into platform.idempotency (workspace_id, actor, tool, key, digest, call_id)
        values (current_setting('platform.workspace_id')::uuid, $1, $2, $3, $4, $5)
        on conflict (workspace_id, actor, tool, key) do update
            set digest = excluded.digest, call_id = excluded.call_id, answer = null, created_at = now()
            where idempotency.created_at < now() - interval '24 hours'
        """;

    private const string Find = "select digest, call_id, answer from platform.idempotency where actor = $1 and tool = $2 and key = $3";

    private const string Keep = "update platform.idempotency set answer = $4 where actor = $1 and tool = $2 and key = $3";

    /// <summary>Claims the key for this transaction, or gives the answer stored under it.</summary>
    /// <exception cref="RpcException">IDEMPOTENCY_KEY_REUSED: the key came with another call before.</exception>
    public static async Task<StoredAnswer?> ClaimAsync(WriteTransaction unit, byte[] digest)
    {
        var call = unit.Call;
        if (await unit.ExecuteAsync(Claim, call.ActorId, call.Tool, call.IdempotencyKey, digest, call.CallId) == 1)
        {
            return null;
        }

        var stored = await unit.QueryOneAsync(
            Find,
            row => new { Digest = (byte[])row["digest"], Answer = new StoredAnswer((byte[])row["answer"], row["call_id"] as string) },
            call.ActorId,
            call.Tool,
            call.IdempotencyKey
        ) ?? throw Problem.Busy();
        return stored.Digest.AsSpan().SequenceEqual(digest)
            ? stored.Answer
            : throw Problem.Conflict(
                Reasons.IdempotencyKeyReused,
                "This idempotency key was used with other arguments, or in another environment or task, within the last 24 hours.",
                "Use a new key for a new call, or repeat the first call exactly."
            );
    }

    public static Statement Store(Call call, byte[] answer) => new(Keep, call.ActorId, call.Tool, call.IdempotencyKey, answer);
}

/// <summary>What a call was answered.</summary>
/// <param name="Answer">The message.</param>
/// <param name="CallId">Null for what was stored by a version that did not keep it.</param>
internal sealed record StoredAnswer(byte[] Answer, string? CallId);
