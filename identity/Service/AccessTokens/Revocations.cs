using Npgsql;
using Platform.Identity.Contracts;
using Platform.Identity.Service.State;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.AccessTokens;

/// <summary>
/// Access tokens that were taken back before their time: a sign-out, a refresh token used twice, a consent withdrawn, an account disabled.
/// Their signature still holds, so every look at one asks here.
/// </summary>
internal sealed class Revocations(NpgsqlDataSource database, TimeProvider time)
{
    // Longer than any access token that it could meet.
    private static readonly TimeSpan _kept = AccessTokenRules.LongestLife + TimeSpan.FromMinutes(5);

    private const string Insert = """
        insert into identity.revocation (id, session, subject, client_id, issued_before, expires_at) values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        """;

    private const string Find = """
        select exists (
                select from identity.revocation where session = $1 and (client_id is null or client_id = $3 and issued_before >= $4)
            )
            or exists (select from identity.revocation where subject = $2 and (client_id is null or client_id = $3) and issued_before >= $4)
        """;

    private const string Drop = "delete from identity.revocation where expires_at < $1";

    /// <summary>The question as a statement, for a batch. Its answer is one boolean.</summary>
    public static Statement IsRevoked(AccessToken token) =>
        new(Find, token.Session, token.Subject, token.ClientId, token.IssuedAt.UtcDateTime);

    public async Task<bool> IsRevokedAsync(AccessToken token, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await connection.QueryAsync(IsRevoked(token), row => row.GetBoolean(0), cancellationToken)).Single();
    }

    /// <param name="id">The same id twice is one revocation.</param>
    public Task RevokeSessionAsync(string id, string session, CancellationToken cancellationToken) =>
        InsertAsync(id, session, null, null, time.GetUtcNow(), cancellationToken);

    /// <summary>
    /// All that a client was given in a session up to an instant. The session may go on, and the client may be given new tokens in it.
    /// </summary>
    public Task RevokeSignInAsync(
        string id,
        string session,
        string clientId,
        DateTimeOffset issuedBefore,
        CancellationToken cancellationToken
    ) => InsertAsync(id, session, null, clientId, issuedBefore, cancellationToken);

    /// <summary>All that was issued to a subject up to an instant: to one client, or to every one.</summary>
    public Task RevokeGrantAsync(
        string id,
        string subject,
        string? clientId,
        DateTimeOffset issuedBefore,
        CancellationToken cancellationToken
    ) => InsertAsync(id, null, subject, clientId, issuedBefore, cancellationToken);

    public async Task DropExpiredAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new Statement(Drop, time.GetUtcNow().UtcDateTime), cancellationToken);
    }

    private async Task InsertAsync(
        string id,
        string? session,
        string? subject,
        string? clientId,
        DateTimeOffset issuedBefore,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            new Statement(Insert, id, session, subject, clientId, issuedBefore.UtcDateTime, (time.GetUtcNow() + _kept).UtcDateTime),
            cancellationToken
        );
    }
}
