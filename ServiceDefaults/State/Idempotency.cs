using Grpc.Core;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>One record per member, tool and key, kept 24 h: the digest of the call and the answer it got.</summary>
internal static class Idempotency
{
    // The insert waits for a concurrent call with the same key, and finds its record once that has committed.
    private const string Claim = """
        insert into platform.idempotency (workspace_id, actor, tool, key, digest)
        values (current_setting('platform.workspace_id')::uuid, $1, $2, $3, $4)
        on conflict (workspace_id, actor, tool, key) do update
            set digest = excluded.digest, answer = null, created_at = now()
            where idempotency.created_at < now() - interval '24 hours'
        """;

    private const string Find = "select digest, answer from platform.idempotency where actor = $1 and tool = $2 and key = $3";

    private const string Keep = "update platform.idempotency set answer = $4 where actor = $1 and tool = $2 and key = $3";

    /// <summary>Claims the key for this transaction, or gives the answer stored under it.</summary>
    /// <exception cref="RpcException">IDEMPOTENCY_KEY_REUSED: the key came with another call before.</exception>
    public static async Task<byte[]?> ClaimAsync(WriteTransaction unit, byte[] digest)
    {
        var call = unit.Call;
        if (await unit.ExecuteAsync(Claim, call.ActorId, call.Tool, call.IdempotencyKey, digest) == 1)
        {
            return null;
        }

        var stored = await unit.QueryOneAsync(
            Find,
            row => new { Digest = (byte[])row["digest"], Answer = (byte[])row["answer"] },
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
