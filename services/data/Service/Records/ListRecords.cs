using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<ListRecordsResponse> ListRecords(ListRecordsRequest request, ServerCallContext context) =>
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
                    Filter: null,
                    Sorting: [],
                    request.HasLimit ? request.Limit : Page.DefaultLimit,
                    request.Cursor,
                    request.IncludeTotal
                )
            );
            var answer = new ListRecordsResponse();
            answer.Page = await ReadPageAsync(context, table, query, answer.Records);
            return answer;
        });
}
