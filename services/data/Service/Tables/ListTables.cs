using System.Data;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    private const string DatabaseExists =
        "select $1::uuid is null or exists (select from data.database where id = $1 and deleted_at is null)";

    private const string SelectTables = """
        select id, database_id, name, description, primary_field_id, created_at, updated_at, lower(name) as sort_key,
            (select count(*)::int from data.field f where f.table_id = t.id and f.deleted_at is null) as field_count
        from data.database_table t
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
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
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
                var answer = new ListTablesResponse();
                var page = Page.Of(answer.Tables, limit);
                while (await reader.ReadAsync())
                {
                    var (name, id) = (reader.GetString("sort_key"), reader.GetGuid("id"));
                    if (!page.TryAdd(Read(reader), () => cursors.Seal(query, name, id.ToString())))
                    {
                        break;
                    }
                }

                answer.Page = page.Info;
                return answer;
            },
            context.CancellationToken,
            new Statement(DatabaseExists, exists.Values),
            new Statement(SelectTables, parameters.Values)
        );
    }

    private static Table Read(NpgsqlDataReader row) =>
        new()
        {
            Id = Ids.Format("tbl", row.GetGuid("id")),
            DatabaseId = Ids.Format("db", row.GetGuid("database_id")),
            Name = row.GetString("name"),
            Description = row.GetString("description"),
            PrimaryFieldId = Ids.Format("fld", row.GetGuid("primary_field_id")),
            FieldCount = row.GetInt32("field_count"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime("updated_at")),
        };
}
