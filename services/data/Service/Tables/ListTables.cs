using System.Data;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    private const string DatabaseExists =
        "select $1::uuid is null or exists (select from data.database where id = $1 and deleted_at is null)";

    private const string SelectTables = """
        select id, database_id, name, description, primary_field_id, created_at, updated_at, lower(name) as sort_key
        from data.database_table
        where ($4::uuid is null or database_id = $4) and ($5::text is null or strpos(lower(name), lower($5)) > 0) and deleted_at is null
            and ($2::text is null or (lower(name), id) > ($2, $3)) order by lower(name), id limit $1
        """;

    public override Task<ListTablesResponse> ListTables(ListTablesRequest request, ServerCallContext context)
    {
        Guid? database =
            request.DatabaseId.Length == 0 ? null
            : Ids.TryParse("db", request.DatabaseId, out var parsed) ? parsed
            : throw Problem.NotFound("database", request.DatabaseId);
        var query = Encoding.UTF8.GetBytes($"tables {database} {request.Search}");
        var limit = request.HasLimit ? request.Limit : RecordQuery.DefaultLimit;
        var after = cursors.Open(request.Cursor, query);
        var parameters = new QueryParameters();
        parameters.Add(NpgsqlDbType.Integer, limit + 1);
        parameters.AddText(after?[0]);
        parameters.Add(NpgsqlDbType.Uuid, after is null ? null : Guid.Parse(after[1]!));
        parameters.Add(NpgsqlDbType.Uuid, database);
        parameters.AddText(request.Search.Length == 0 ? null : request.Search);
        var exists = new QueryParameters();
        exists.Add(NpgsqlDbType.Uuid, database);
        return work.ReadAsync(
            context.Call(),
            SessionSettings.Default,
            async reader =>
            {
                if (!await reader.ReadAsync() || !reader.GetBoolean(0))
                {
                    throw Problem.NotFound("database", request.DatabaseId);
                }

                await reader.NextResultAsync();
                var answer = new ListTablesResponse { Page = new PageInfo() };
                var last = (Name: "", Id: Guid.Empty);
                while (await reader.ReadAsync())
                {
                    if (answer.Tables.Count == limit)
                    {
                        (answer.Page.HasMore, answer.Page.NextCursor) = (true, cursors.Seal(query, last.Name, last.Id.ToString()));
                        break;
                    }

                    last = (reader.GetString("sort_key"), reader.GetGuid("id"));
                    answer.Tables.Add(
                        new Table
                        {
                            Id = Ids.Format("tbl", last.Id),
                            DatabaseId = Ids.Format("db", reader.GetGuid("database_id")),
                            Name = reader.GetString("name"),
                            Description = reader.GetString("description"),
                            PrimaryFieldId = Ids.Format("fld", reader.GetGuid("primary_field_id")),
                            CreatedAt = Timestamp.FromDateTime(reader.GetDateTime("created_at")),
                            UpdatedAt = Timestamp.FromDateTime(reader.GetDateTime("updated_at")),
                        }
                    );
                }

                return answer;
            },
            context.CancellationToken,
            new Statement(DatabaseExists, exists.Values),
            new Statement(SelectTables, parameters.Values)
        );
    }
}
