using System.Data;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Streams;

/// <summary>A stream that is about to be changed, locked.</summary>
internal sealed record ChangingStream(
    Guid Id,
    string Type,
    string Name,
    string Address,
    byte[] Secret,
    string[] Tags,
    string[] Actions,
    long DeliveredThrough
)
{
    public string StreamId => Ids.Format("str", Id);
}

/// <param name="Secret">The new one; null when it stays.</param>
/// <param name="Before">The old one, when it can be opened.</param>
internal sealed record StreamChange(
    ChangingStream Stream,
    string Name,
    string[] Actions,
    string Address,
    string? Secret,
    string? Before,
    IReadOnlyList<string> Changed
);

/// <summary>
/// What changes of a stream by people have in common, whether a tool or the governance API makes them: the row, the event, the test of what
/// is new.
/// </summary>
internal sealed class StreamChanges(StreamSecrets secrets, SinkSet sinks, TimeProvider time)
{
    // Long enough for a receiver to switch to the new secret in its own time.
    private static readonly TimeSpan _overlap = TimeSpan.FromHours(24);

    private const string Load = """
        select type, name, coalesce(site, url) as address, secret, tags, actions, delivered_through
        from audit.stream where id = $1 for update
        """;

    private const string Change = """
        update audit.stream set name = $2, actions = $3, url = case when url is not null then $4 end,
            attempted_through = null, attempted_checkpoint = null, version = version + 1
        where id = $1
        """;

    private const string ChangeSecret = """
        update audit.stream set secret = $2, secret_set_at = $3,
            previous_secret = case when $5 then secret end,
            previous_secret_until = case when $5 then $4::timestamptz end
        where id = $1
        """;

    private const string Revive =
        "update audit.stream set state = 'active', failures = 0, retry_at = null where id = $1 and state = 'invalid'";

    private const string Hasten = "update audit.stream set retry_at = null where id = $1 and state = 'error'";

    public static Guid Parse(string stream) =>
        Ids.TryParse("str", stream, out var id) ? id : throw Problem.NotFound("audit stream", stream);

    public static async Task<ChangingStream> LoadAsync(WriteTransaction tx, string stream)
    {
        var id = Parse(stream);
        return await tx.QueryOneAsync(
            Load,
            row => new ChangingStream(
                id,
                row.GetString("type"),
                row.GetString("name"),
                row.GetString("address"),
                (byte[])row["secret"],
                (string[])row["tags"],
                (string[])row["actions"],
                row.GetInt64("delivered_through")
            ),
            id
        ) ?? throw Problem.NotFound("audit stream", stream);
    }

    /// <summary>Changes the stream and announces it. A new address or secret is tested; one that is refused ends the transaction.</summary>
    /// <returns>What the destination said; null when it was not asked.</returns>
    public async Task<DestinationAnswer?> ApplyAsync(WriteTransaction tx, StreamChange change)
    {
        var stream = change.Stream;
        var sink = sinks.Of(stream.Type);
        await tx.ExecuteAsync(Change, stream.Id, change.Name, change.Actions, change.Address);
        if (change.Secret is { } secret)
        {
            await tx.ExecuteAsync(
                ChangeSecret,
                stream.Id,
                secrets.Seal(secret),
                tx.Now.UtcDateTime,
                (tx.Now + _overlap).UtcDateTime,
                sink.IsSecretOurs
            );
        }

        tx.Announce(
            new AuditStreamUpdated(
                tx.NewEventId(),
                tx.Call.WorkspaceId,
                tx.Now,
                stream.StreamId,
                change.Name,
                SiteOf(change.Address),
                change.Actions,
                change.Changed
            ),
            "audit_stream.updated",
            new Target("audit_stream", stream.StreamId)
        );
        if (change.Secret is null && change.Address == stream.Address)
        {
            return null;
        }

        // After a change both secrets sign, so that a receiver that only knows the one before accepts as well.
        var current = change.Secret ?? change.Before ?? Open(stream.Secret);
        var previous = sink.IsSecretOurs && change.Secret is not null ? change.Before : null;
        var test = await AskDestinationAsync(
            tx.Call,
            sink,
            new Destination(change.Address, current, previous, stream.Tags, stream.StreamId, Ids.Format("wks", tx.Call.WorkspaceId)),
            isNew: change.Address != stream.Address,
            tx.Cancellation
        );
        ThrowIfRefused(test, sink, "changed");
        if (test.Result == "accepted")
        {
            await ReviveAsync(tx, stream.Id, stream.DeliveredThrough);
        }

        return test;
    }

    public string Open(byte[] secret) =>
        secrets.TryOpen(secret)
        ?? throw Problem.Conflict(
            Reasons.SecretUnreadable,
            "The stored secret of the stream cannot be opened.",
            "Set a new one with update_audit_stream."
        );

    /// <summary>A retry that waits is due at once; a stream that the destination had refused goes on.</summary>
    public static async Task ReviveAsync(WriteTransaction tx, Guid id, long deliveredThrough)
    {
        await tx.ExecuteAsync(Hasten, id);
        if (await tx.ExecuteAsync(Revive, id) == 1)
        {
            var stream = Ids.Format("str", id);
            tx.Announce(
                new AuditStreamResumed(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, stream, deliveredThrough),
                "audit_stream.resumed",
                new Target("audit_stream", stream)
            );
        }
    }

    /// <summary>Sends one test entry. A dry run reaches nobody.</summary>
    /// <param name="isNew">Whether the address has never been used: one that leads nowhere is refused then.</param>
    public async Task<DestinationAnswer> AskDestinationAsync(
        Call call,
        ISink sink,
        Destination destination,
        bool isNew,
        CancellationToken cancellationToken
    )
    {
        if (call.DryRun)
        {
            return new DestinationAnswer { Result = "untested", Message = "A dry run sends nothing." };
        }

        var test = sink.EncodeTest(destination, Ids.Format("evt", Ids.New()), time.GetUtcNow());
        var said = await sink.SendAsync(destination, [test], cancellationToken);
        var answer = new DestinationAnswer
        {
            Result = said.Verdict switch
            {
                SinkVerdict.Accepted => "accepted",
                SinkVerdict.Retry => "unreachable",
                SinkVerdict.NoRoute when !isNew => "unreachable",
                _ => "refused",
            },
            Message = said.Message,
        };
        if (said.Status is { } status)
        {
            answer.Status = status;
        }

        return answer;
    }

    public static void ThrowIfRefused(DestinationAnswer test, ISink sink, string done)
    {
        if (test.Result == "refused")
        {
            throw Problem.Conflict(
                Reasons.DestinationRefused,
                (test.HasStatus ? $"The destination refused with status {test.Status}." : test.Message) + $" Nothing was {done}.",
                sink.FixOfRefusal
            );
        }
    }

    /// <summary>For the log: a site, or the host of a URL.</summary>
    public static string SiteOf(string address) => Uri.TryCreate(address, UriKind.Absolute, out var url) ? url.Host : address;
}
