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
    /// <summary>A row of id, name, description, created_at, updated_at.</summary>
    private static Database Read(NpgsqlDataReader row) =>
        new()
        {
            Id = Ids.Format("db", row.GetGuid(0)),
            Name = row.GetString(1),
            Description = row.GetString(2),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime(3)),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime(4)),
        };
}
