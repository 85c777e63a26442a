using System.Data;
using Grpc.Core;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;

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
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        var parameters = new QueryParameters();
        parameters.Add(NpgsqlDbType.Integer, limit + 1);
        parameters.AddText(cursors.Open(request.Cursor, query)?[0]);
        return work.ReadAsync(context, SelectDatabases, parameters.Values, async reader =>
        {
            var answer = new ListDatabasesResponse();
            var page = Page.Of(answer.Databases, limit);
            while (await reader.ReadAsync())
            {
                var key = reader.GetString("sort_key");
                if (!page.TryAdd(Read(reader), () => cursors.Seal(query, key)))
                {
                    break;
                }
            }

            answer.Page = page.Info;
            return answer;
        });
    }
}
