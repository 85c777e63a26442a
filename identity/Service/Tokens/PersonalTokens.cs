using Npgsql;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Callers;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Tokens;

/// <summary>A personal token as it is kept. Its secret is not.</summary>
internal sealed record PersonalTokenRecord(
    Guid WorkspaceId,
    Guid Id,
    Guid MemberId,
    string Name,
    string Hint,
    IReadOnlyList<string> Scopes,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? LastUsedAt,
    DateTimeOffset? RevokedAt
)
{
    public const string Columns =
        "t.workspace_id, t.id, t.member_id, t.name, t.hint, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at";
    public const int ColumnCount = 10;

    public static PersonalTokenRecord Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetGuid(1),
            row.GetGuid(2),
            row.GetString(3),
            row.GetString(4),
            row.GetFieldValue<string[]>(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetFieldValue<DateTimeOffset>(7),
            Time(row, 8),
            Time(row, 9)
        );

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}

/// <summary>Finds personal tokens by their hash, across workspaces: before the token is known nobody knows the workspace.</summary>
internal sealed class PersonalTokens(UnitOfWork work)
{
    private const string Find = $"""
        select {PersonalTokenRecord.Columns}, s.enabled, s.production_access, s.write_access, s.strict_audit
        from identity.personal_token t left join identity.mcp_settings s using (workspace_id)
        where t.hash = $1
        """;

    private static readonly SessionSettings _asResolver = new(Role: "identity_resolver");

    /// <summary>The token with the MCP settings of its workspace; no token when nobody has one of this hash.</summary>
    public Task<(PersonalTokenRecord? Token, Switches Switches)> FindAsync(byte[] hash, CancellationToken cancellationToken) =>
        work.ReadAsync(
            OwnCall.For(Guid.Empty),
            _asResolver,
            async reader =>
                await reader.ReadAsync(cancellationToken)
                    ? (PersonalTokenRecord.Read(reader), McpSettings.Read(reader, PersonalTokenRecord.ColumnCount))
                    : (default(PersonalTokenRecord?), McpSettings.Default),
            cancellationToken,
            new Statement(Find, hash)
        );
}
