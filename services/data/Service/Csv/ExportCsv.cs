using System.Globalization;
using System.Text;
using CsvHelper;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Csv;

internal sealed partial class CsvService
{
    private const int MaxRows = 10_000;
    private const int PageSize = 500;

    public override async Task ExportCsv(
        ExportCsvRequest request,
        IServerStreamWriter<ExportCsvResponse> responses,
        ServerCallContext context
    )
    {
        var text = new StringBuilder();
        var answer = new ExportCsvResponse();
        var (limit, cursor) = (request.HasLimit ? request.Limit : MaxRows, request.Cursor);
        var size = new AnswerSize(request.HasMaxBytes ? request.MaxBytes : AnswerSize.MaxEntries);
        double? total = null;
        for (var more = true; more; )
        {
            // The export reads page by page: a record that changes meanwhile is exported as it is when its page is read.
            var page = await schemas.UseAsync(context, request.TableId, table =>
                ReadAsync(context, table, request, cursor, Math.Min(PageSize, limit - answer.Rows), size, withTotal: total is null)
            );
            total ??= Math.Min(limit, page.Info.Total);
            if (answer.Rows == 0)
            {
                text.Append(page.Header);
            }

            page.Lines.ForEach(line => text.Append(line));
            answer.Rows += page.Lines.Count;
            (size, more) = (page.Size, page.Info.HasMore && page.IsFull && answer.Rows < limit);
            cursor = page.Info.NextCursor.Length > 0 ? page.Info.NextCursor : cursor;
            answer.Page = new PageInfo { HasMore = page.Info.HasMore, NextCursor = page.Info.HasMore ? cursor : "" };
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
        AnswerSize left,
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
        using var rows = new RecordRows(selection, whole: true);
        var query = new RecordQuery(
            table,
            rows,
            cursors,
            time.GetUtcNow(),
            new PageRequest(view, request.Filter, request.Sorting, limit, cursor, withTotal)
        );
        var (lines, size) = (new List<string>(), left);
        var header = Line(csv => WriteHeader(csv, selection.Fields, request.WithIds, request.Spreadsheet));
        var info = await query.RunAsync(work, context, time, most =>
        {
            lines.Clear();
            size = left.Copy();
            if (withTotal)
            {
                size.Take(JsonSize.Of(header));
            }

            return new Page<Record>(most, record =>
            {
                var line = Line(csv => CsvCells.Write(csv, record, selection.Fields, request.WithIds, request.Spreadsheet));
                if (!size.TryTake(JsonSize.Of(line)))
                {
                    return false;
                }

                lines.Add(line);
                return true;
            });
        });
        return new ExportPage(header, lines, info, size, IsFull: lines.Count == limit);
    }

    private static string Line(Action<CsvWriter> write)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var csv = new CsvWriter(text, Format()))
        {
            write(csv);
        }

        return text.ToString();
    }

    private static void WriteHeader(CsvWriter csv, IReadOnlyList<FieldSchema> fields, bool withIds, bool forSpreadsheet)
    {
        foreach (var name in (withIds ? ["id"] : Array.Empty<string>()).Concat(fields.Select(field => field.Name)))
        {
            csv.WriteField(forSpreadsheet ? CsvCells.Guard(name) : name);
        }

        csv.NextRecord();
    }

    /// <param name="Size">What the answer can hold after it.</param>
    /// <param name="IsFull">Whether it ended with its limit, and not with the size of the answer.</param>
    private sealed record ExportPage(string Header, List<string> Lines, PageInfo Info, AnswerSize Size, bool IsFull);
}
