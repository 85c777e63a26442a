using System.Data;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Databases;

/// <summary>Databases of an environment. One file per call.</summary>
internal sealed partial class DatabasesService(UnitOfWork work, Cursors cursors) : Contracts.V1.Databases.DatabasesBase
{
    /// <summary>A row with id, name, description, created_at and updated_at.</summary>
    private static Database Read(NpgsqlDataReader row) =>
        new()
        {
            Id = Ids.Format("db", row.GetGuid("id")),
            Name = row.GetString("name"),
            Description = row.GetString("description"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime("updated_at")),
        };
}
