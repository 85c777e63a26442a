using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Schemas;

namespace Platform.Data.Service.Databases;

internal sealed partial class DatabasesService
{
    private const string InsertDatabase = """
        insert into data.database (workspace_id, environment_id, id, name, description, created_at, created_by, updated_at, updated_by)
        values (platform.workspace_id(), platform.environment_id(), $1, $2, $3, $4, $5, $4, $5)
        """;

    public override Task<CreateDatabaseResponse> CreateDatabase(CreateDatabaseRequest request, ServerCallContext context)
    {
        Names.Check("name", request.Name);
        return work.WriteAsync(context, async tx =>
        {
            var id = Ids.New();
            await tx.ExecuteAsync(InsertDatabase, id, request.Name, request.Description, tx.Now.UtcDateTime, tx.Call.ActorId);
            var key = Ids.Format("db", id);
            tx.Announce(new DatabaseCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, key, request.Name), new Target("database", key));
            var now = Timestamp.FromDateTimeOffset(tx.Now);
            return new CreateDatabaseResponse
            {
                Database = new Database
                {
                    Id = key,
                    Name = request.Name,
                    Description = request.Description,
                    CreatedAt = now,
                    UpdatedAt = now,
                },
            };
        });
    }
}
