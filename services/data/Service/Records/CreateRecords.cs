using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<CreateRecordsResponse> CreateRecords(CreateRecordsRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, table =>
        {
            var selection = FieldSelection.Of(table, request.ReturnFields, request.FieldKeys, allByDefault: false);
            var insert = new RecordInsert(
                table,
                [.. request.Records.Select(record => record.Fields)],
                index => $"records[{index}].fields",
                selection,
                withRecords: request.ReturnFields.Count > 0
            );
            return insert.ExplainAsync(work, context, () => work.WriteAsync(context, async tx =>
                {
                    await insert.RunAsync(tx);
                    var answer = new CreateRecordsResponse();
                    answer.RecordIds.AddRange(insert.Ids.Select(RecordIds.Format));
                    var page = Page.Of(answer.Records, insert.Records.Count);
                    if (!insert.Records.TrueForAll(record => page.TryAdd(record, () => "")))
                    {
                        answer.HasMoreRecords = true;
                    }

                    return answer;
                }));
        });
}
