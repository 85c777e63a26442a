using System.Globalization;
using CsvHelper;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;

namespace Platform.Data.Service.Csv;

internal sealed partial class CsvService
{
    private const int MaxRows = 10_000;
    private const int MaxText = 2_000_000;
    private const int PageSize = 500;

    public override async Task ExportCsv(
        ExportCsvRequest request,
        IServerStreamWriter<ExportCsvResponse> responses,
        ServerCallContext context
    )
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        await using var csv = new CsvWriter(text, Format());
        var answer = new ExportCsvResponse { Page = new PageInfo() };
        var (limit, cursor) = (request.HasLimit ? request.Limit : MaxRows, request.Cursor);
        double? total = null;
        for (var more = true; more; )
        {
            // The export reads page by page: a record that changes meanwhile is exported as it is when its page is read.
            var page = await schemas.UseAsync(context, request.TableId, table =>
                ReadAsync(context, table, request, cursor, Math.Min(PageSize, limit - answer.Rows), withTotal: total is null)
            );
            total ??= Math.Min(limit, page.Info.Total);
            if (answer.Rows == 0)
            {
                WriteHeader(csv, page.Fields, request.WithIds, request.Spreadsheet);
            }

            foreach (var record in page.Records)
            {
                CsvCells.Write(csv, record, page.Fields, request.WithIds, request.Spreadsheet);
            }

            answer.Rows += page.Records.Count;
            cursor = page.Info.NextCursor;
            more = page.Info.HasMore && answer.Rows < limit && text.GetStringBuilder().Length < MaxText;
            (answer.Page.HasMore, answer.Page.NextCursor) = (page.Info.HasMore, cursor);
            if (more)
            {
                await responses.WriteAsync(
                    new ExportCsvResponse
                    {
                        Progress = new Progress
                        {
                            Done = answer.Rows,
                            Total = total.Value,
                            What = "records",
                        },
                    }
                );
            }
        }

        answer.Csv = text.ToString();
        await responses.WriteAsync(answer);
    }

    private async Task<ExportPage> ReadAsync(
        ServerCallContext context,
        TableSchema table,
        ExportCsvRequest request,
        string cursor,
        int limit,
        bool withTotal
    )
    {
        var view = request.View.Length > 0 ? table.FindView(request.View) : null;
        var selection = FieldSelection.Of(
            table,
            request.Fields.Count > 0 || view is null ? request.Fields : view.Fields,
            "name",
            allByDefault: true,
            "fields"
        );
        using var rows = new RecordRows(selection);
        var query = new RecordQuery(
            table,
            rows,
            cursors,
            time.GetUtcNow(),
            new PageRequest(view, request.Filter, request.Sorting, limit, cursor, withTotal)
        );
        var records = new List<Record>();
        return new ExportPage(selection.Fields, records, await query.RunAsync(work, context, time, records));
    }

    private static void WriteHeader(CsvWriter csv, IReadOnlyList<FieldSchema> fields, bool withIds, bool forSpreadsheet)
    {
        foreach (var name in (withIds ? ["id"] : Array.Empty<string>()).Concat(fields.Select(field => field.Name)))
        {
            csv.WriteField(forSpreadsheet ? CsvCells.Guard(name) : name);
        }

        csv.NextRecord();
    }

    private sealed record ExportPage(IReadOnlyList<FieldSchema> Fields, List<Record> Records, PageInfo Info);
}
