using System.Data;
using Grpc.Core;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;

namespace Platform.Data.Service.Databases;

internal sealed partial class DatabasesService
{
    private const string SelectDatabases = """
        select id, name, description, created_at, updated_at, lower(name) as sort_key from data.database
        where deleted_at is null and ($2::text is null or lower(name) > $2) order by lower(name) limit $1
        """;

    public override Task<ListDatabasesResponse> ListDatabases(ListDatabasesRequest request, ServerCallContext context)
    {
        var query = "databases"u8.ToArray();
        var limit = request.HasLimit ? request.Limit : RecordQuery.DefaultLimit;
        var parameters = new QueryParameters();
        parameters.Add(NpgsqlDbType.Integer, limit + 1);
        parameters.AddText(cursors.Open(request.Cursor, query)?[0]);
        return work.ReadAsync(context, SelectDatabases, parameters.Values, async reader =>
        {
            var answer = new ListDatabasesResponse { Page = new PageInfo() };
            var last = "";
            while (await reader.ReadAsync())
            {
                if (answer.Databases.Count == limit)
                {
                    (answer.Page.HasMore, answer.Page.NextCursor) = (true, cursors.Seal(query, last));
                    break;
                }

                answer.Databases.Add(Read(reader));
                last = reader.GetString("sort_key");
            }

            return answer;
        });
    }
}
