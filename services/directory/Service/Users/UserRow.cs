using System.Data;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;

namespace Platform.Directory.Service.Users;

/// <summary>A user as its queries select it.</summary>
internal static class UserRow
{
    public const string Active = "active";

    /// <summary>Of <c>directory.directory_user u</c>.</summary>
    public const string Columns =
        "u.id, u.email, u.first_name, u.last_name, u.external_id, u.state, "
        + "u.metadata::text as metadata, u.version, u.created_at, u.updated_at";

    public static User Read(NpgsqlDataReader row, bool withMetadata = true) =>
        new()
        {
            Id = Ids.Format("usr", row.GetGuid("id")),
            Email = row.GetString("email"),
            FirstName = row.GetString("first_name"),
            LastName = row.GetString("last_name"),
            ExternalId = row.IsDBNull("external_id") ? "" : row.GetString("external_id"),
            State = row.GetString("state"),
            Metadata = withMetadata ? KeptMetadata.ToJson(row.GetString("metadata")) : null,
            Version = row.GetInt64("version"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime("updated_at")),
        };
}
