using System.Data;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Databases;

internal sealed partial class DatabasesService
{
    private const string SelectDatabase =
        "select id, name, description, created_at, updated_at from data.database where id = $1 and deleted_at is null";

    private const int MaxTables = 1000;

    private const string SelectTables =
        "select id, name from data.database_table where database_id = $1 and deleted_at is null order by lower(name) limit $2";

    public override Task<GetDatabaseResponse> GetDatabase(GetDatabaseRequest request, ServerCallContext context)
    {
        var id = Ids.TryParse("db", request.DatabaseId, out var parsed) ? parsed : throw Problem.NotFound("database", request.DatabaseId);
        return work.ReadAsync(
            context.Call(),
            SessionSettings.Default,
            async reader =>
            {
                var answer = new GetDatabaseResponse
                {
                    Database = await reader.ReadAsync() ? Read(reader) : throw Problem.NotFound("database", request.DatabaseId),
                };
                await reader.NextResultAsync();
                var page = Page.Of(answer.Tables, MaxTables);
                while (await reader.ReadAsync())
                {
                    var table = new TableName { Id = Ids.Format("tbl", reader.GetGuid("id")), Name = reader.GetString("name") };
                    if (!page.TryAdd(table, () => ""))
                    {
                        answer.HasMoreTables = true;
                        break;
                    }
                }

                return answer;
            },
            context.CancellationToken,
            new Statement(SelectDatabase, id),
            new Statement(SelectTables, id, MaxTables + 1)
        );
    }
}
