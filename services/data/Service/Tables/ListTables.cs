using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    private const string DatabaseExists = "select exists (select from data.database where id = $1 and deleted_at is null)";

    private const string SelectTables = """
        select id, database_id, name, description, primary_field_id, created_at, updated_at, lower(name) from data.database_table
        where database_id = $3 and deleted_at is null and ($2::text is null or lower(name) > $2) order by lower(name) limit $1
        """;

    public override Task<ListTablesResponse> ListTables(ListTablesRequest request, ServerCallContext context)
    {
        var id = Ids.TryParse("db", request.DatabaseId, out var parsed) ? parsed : throw Problem.NotFound("database", request.DatabaseId);
        var query = id.ToByteArray();
        var limit = request.HasLimit ? request.Limit : RecordQuery.DefaultLimit;
        var parameters = new QueryParameters();
        parameters.Add(NpgsqlDbType.Integer, limit + 1);
        parameters.AddText(cursors.Open(request.Cursor, query)?[0]);
        parameters.Add(NpgsqlDbType.Uuid, id);
        return work.ReadAsync(context.Call(), SessionSettings.Default, async reader =>
        {
            if (!await reader.ReadAsync() || !reader.GetBoolean(0))
            {
                throw Problem.NotFound("database", request.DatabaseId);
            }

            await reader.NextResultAsync();
            var answer = new ListTablesResponse { Page = new PageInfo() };
            var last = "";
            while (await reader.ReadAsync())
            {
                if (answer.Tables.Count == limit)
                {
                    (answer.Page.HasMore, answer.Page.NextCursor) = (true, cursors.Seal(query, last));
                    break;
                }

                answer.Tables.Add(new Table
                {
                    Id = Ids.Format("tbl", reader.GetGuid(0)),
                    DatabaseId = Ids.Format("db", reader.GetGuid(1)),
                    Name = reader.GetString(2),
                    Description = reader.GetString(3),
                    PrimaryFieldId = Ids.Format("fld", reader.GetGuid(4)),
                    CreatedAt = Timestamp.FromDateTime(reader.GetDateTime(5)),
                    UpdatedAt = Timestamp.FromDateTime(reader.GetDateTime(6)),
                });
                last = reader.GetString(7);
            }

            return answer;
        }, context.CancellationToken, new Statement(DatabaseExists, id), new Statement(SelectTables, parameters.Values));
    }
}
