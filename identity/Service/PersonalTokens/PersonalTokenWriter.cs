using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.PersonalTokens;

/// <summary>Writes personal tokens down: their hash, never themselves.</summary>
internal static class PersonalTokenWriter
{
    private const string Insert = """
        insert into identity.personal_token (id, member_id, name, hash, hint, scopes, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """;

    public static async Task<PersonalTokenRecord> CreateAsync(
        WriteTransaction tx,
        Guid member,
        string name,
        IReadOnlyList<string> scopes,
        DateTimeOffset expires,
        string secret
    )
    {
        var token = new PersonalTokenRecord(
            tx.Call.WorkspaceId,
            Ids.New(),
            member,
            name,
            $"{secret[..8]}…{secret[^4..]}",
            [.. scopes.Distinct().Order(StringComparer.Ordinal)],
            tx.Now,
            expires,
            null,
            null
        );
        await tx.ExecuteAsync(
            Insert,
            token.Id,
            member,
            name,
            PersonalToken.Hash(secret),
            token.Hint,
            token.Scopes.ToArray(),
            tx.Now.UtcDateTime,
            expires.UtcDateTime
        );
        var id = Ids.Format("tok", token.Id);
        tx.Announce(
            new PersonalTokenCreated(
                tx.NewEventId(),
                tx.Call.WorkspaceId,
                tx.Now,
                id,
                Ids.Format("mbr", member),
                name,
                token.Scopes,
                expires
            ),
            "personal_token.created",
            new Target("personal_token", id)
        );
        return token;
    }
}
