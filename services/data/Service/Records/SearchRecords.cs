using Google.Protobuf.Collections;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<SearchRecordsResponse> SearchRecords(SearchRecordsRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, async table =>
        {
            var view = request.View.Length > 0 ? table.FindView(request.View) : null;
            using var rows = new RecordRows(
                FieldSelection.Of(
                    table,
                    request.ReturnFields.Count > 0 || view is null ? request.ReturnFields : view.Fields,
                    request.FieldKeys,
                    allByDefault: true
                )
            );
            var query = new RecordQuery(
                table,
                rows,
                cursors,
                time.GetUtcNow(),
                new PageRequest(
                    view,
                    request.Filter,
                    request.Sorting,
                    request.HasLimit ? request.Limit : Page.DefaultLimit,
                    request.Cursor,
                    request.IncludeTotal
                )
            );
            var answer = new SearchRecordsResponse();
            answer.Page = await ReadPageAsync(context, table, query, answer.Records);
            return answer;
        });

    private async Task<PageInfo> ReadPageAsync(
        ServerCallContext context,
        TableSchema table,
        RecordQuery query,
        RepeatedField<Record> records
    )
    {
        var page = await query.RunAsync(work, context, time, limit => Page.Of(records, limit));
        usage.Count(table, query.Shape, query.Took);
        return page;
    }
}
