using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<CreateRecordResponse> CreateRecord(CreateRecordRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, table =>
        {
            var selection = FieldSelection.Of(table, request.ReturnFields, request.FieldKeys, allByDefault: false);
            var insert = new RecordInsert(table, [request.Fields], _ => "fields", selection, withRecords: true);
            return insert.ExplainAsync(work, context, () => work.WriteAsync(context, async tx =>
                {
                    await insert.RunAsync(tx);
                    return new CreateRecordResponse { Record = insert.Records[0] };
                }));
        });
}
