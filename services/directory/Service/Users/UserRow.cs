using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;

namespace Platform.Directory.Service;

/// <summary>A user as its queries select it.</summary>
internal static class UserRow
{
    public const string Active = "active";

    /// <summary>Of <c>directory.directory_user u</c>.</summary>
    public const string Columns =
        "u.id, u.email, u.first_name, u.last_name, u.external_id, u.state, u.metadata::text, u.version, u.created_at, u.updated_at";

    public static User Read(NpgsqlDataReader row, bool withMetadata = true) =>
        new()
        {
            Id = Ids.Format("usr", row.GetGuid(0)),
            Email = row.GetString(1),
            FirstName = row.GetString(2),
            LastName = row.GetString(3),
            ExternalId = row.IsDBNull(4) ? "" : row.GetString(4),
            State = row.GetString(5),
            Metadata = withMetadata ? Metadata.ToJson(row.GetString(6)) : null,
            Version = row.GetInt64(7),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime(8)),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime(9)),
        };
}
