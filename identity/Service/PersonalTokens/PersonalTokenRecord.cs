using System.Data;
using Npgsql;

namespace Platform.Identity.Service.PersonalTokens;

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

    public static PersonalTokenRecord Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid("workspace_id"),
            row.GetGuid("id"),
            row.GetGuid("member_id"),
            row.GetString("name"),
            row.GetString("hint"),
            row.GetFieldValue<string[]>("scopes"),
            row.GetFieldValue<DateTimeOffset>("created_at"),
            row.GetFieldValue<DateTimeOffset>("expires_at"),
            Time(row, "last_used_at"),
            Time(row, "revoked_at")
        );

    private static DateTimeOffset? Time(NpgsqlDataReader row, string column) =>
        row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
