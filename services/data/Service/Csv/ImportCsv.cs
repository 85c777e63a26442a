using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Records;

namespace Platform.Data.Service.Csv;

internal sealed partial class CsvService
{
    private const int MaxTold = 1000;

    public override async Task ImportCsv(
        ImportCsvRequest request,
        IServerStreamWriter<ImportCsvResponse> responses,
        ServerCallContext context
    )
    {
        // The first row of records is the second of the text, as in a spreadsheet.
        var answer = await schemas.UseAsync(context, request.TableId, table =>
        {
            var rows = CsvRows.Read(table, request, Format(request.Delimiter.Length == 0 ? "," : request.Delimiter));
            var insert = new RecordInsert(
                table,
                rows,
                index => $"row {index + 2}",
                new FieldSelection([], ByName: true),
                withRecords: false
            )
            {
                Written = done =>
                    responses.WriteAsync(
                        new ImportCsvResponse
                        {
                            Progress = new Progress
                            {
                                Done = done,
                                Total = rows.Count,
                                What = "records",
                            },
                        }
                    ),
            };
            return insert.ExplainAsync(work, context, () => work.WriteAsync(context, async tx =>
                {
                    await insert.RunAsync(tx);
                    return new ImportCsvResponse
                    {
                        Created = rows.Count,
                        RecordIds = { insert.Ids.Take(MaxTold).Select(RecordIds.Format) },
                    };
                }));
        });
        await responses.WriteAsync(answer);
    }
}
