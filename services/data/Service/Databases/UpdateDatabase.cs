using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Databases;

internal sealed partial class DatabasesService
{
    private const string LockDatabase =
        "select id, name, description, created_at, updated_at from data.database where id = $1 and deleted_at is null for no key update";

    private const string ChangeDatabase =
        "update data.database set name = $2, description = $3, updated_at = $4, updated_by = $5 where id = $1";

    public override Task<UpdateDatabaseResponse> UpdateDatabase(UpdateDatabaseRequest request, ServerCallContext context)
    {
        var id = Ids.TryParse("db", request.DatabaseId, out var parsed) ? parsed : throw Problem.NotFound("database", request.DatabaseId);
        if (request.HasName)
        {
            Names.Check("name", request.Name);
        }

        return work.WriteAsync(context, async tx =>
        {
            var database = await tx.QueryOneAsync(LockDatabase, Read, id) ?? throw Problem.NotFound("database", request.DatabaseId);
            var changes = new SchemaChanges();
            changes.Add("name", database.Name, request.HasName ? request.Name : null, name => database.Name = name);
            changes.Add("description", database.Description, request.HasDescription ? request.Description : null, text =>
                database.Description = text
            );
            if (changes.Any)
            {
                await tx.ExecuteAsync(ChangeDatabase, id, database.Name, database.Description, tx.Now.UtcDateTime, tx.Call.ActorId);
                database.UpdatedAt = Timestamp.FromDateTimeOffset(tx.Now);
                tx.Announce(
                    new DatabaseUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, database.Id, changes.All),
                    new Target("database", database.Id)
                );
            }

            return new UpdateDatabaseResponse { Database = database };
        });
    }
}
