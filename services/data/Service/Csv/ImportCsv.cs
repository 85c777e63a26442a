using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Records;
using Platform.ServiceDefaults.Calls;

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
        var format = new CellFormat(request.Decimal.Length > 0 ? request.Decimal[0] : null, request.DateOrder, ZoneOf(request));
        var answer = await schemas.UseAsync(context, request.TableId, async table =>
        {
            var rows = new CsvRows(table, request, Format(request.Delimiter.Length == 0 ? "," : request.Delimiter));
            await LinkLabels.ResolveAsync(work, context, table, rows);
            var insert = new RecordInsert(
                table,
                rows.ToRecords(format),
                CsvRows.NameOf,
                new FieldSelection([], ByName: true),
                withRecords: false
            )
            {
                FromCells = true,
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
            return await insert.ExplainAsync(work, context, () => work.WriteAsync(context, async tx =>
                {
                    await insert.RunAsync(tx);
                    return new ImportCsvResponse
                    {
                        Created = rows.Count,
                        RecordIds = { insert.Ids.Take(MaxTold).Select(RecordIds.Format) },
                        HasMoreIds = rows.Count > MaxTold,
                        Mapped = { rows.Columns.Mapped },
                    };
                }));
        });
        await responses.WriteAsync(answer);
    }

    private static TimeZoneInfo? ZoneOf(ImportCsvRequest request) =>
        request.TimeZone.Length == 0 ? null
        : TimeZoneInfo.TryFindSystemTimeZoneById(request.TimeZone, out var zone) ? zone
        : throw Problem.Invalid("timeZone", $"{request.TimeZone} is not a time zone", "Send UTC, or a name such as Europe/Berlin.");
}
