using System.Buffers;
using System.Text.Json;
using CsvHelper;
using CsvHelper.Configuration;
using Google.Protobuf;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Csv;

/// <summary>The rows of a CSV text, and what its columns are.</summary>
internal sealed class CsvRows
{
    private const int MaxRows = 10_000;
    private const int MaxColumns = 1000;

    private readonly List<string[]> _rows = [];

    /// <exception cref="Grpc.Core.RpcException">
    /// INVALID_ARGUMENT: the text is not CSV, a column is not a field, a row has another length, or there are too many rows.
    /// </exception>
    public CsvRows(TableSchema table, ImportCsvRequest request, CsvConfiguration format)
    {
        var text = request.Csv.StartsWith('\ufeff') ? request.Csv[1..] : request.Csv;
        CheckQuotes(text, format.Delimiter[0]);
        // In a cell that does not begin with one, a quote is a character like others, such as in 5'10". Behind the quote that closes a
        // cell, the row was cut wrongly, and a guess where it goes on could be wrong.
        format.BadDataFound = bad =>
        {
            if (bad.Field.StartsWith('"'))
            {
                throw Problem.Invalid(
                    "csv",
                    $"row {bad.Context.Parser!.Row} has text behind the quote that closes a cell, or a quote that is not doubled",
                    "Put each such cell in quotes, and double the quotes inside."
                );
            }
        };
        using var reader = new StringReader(text);
        using var parser = new CsvParser(reader, format);
        if (!parser.Read())
        {
            throw Problem.Invalid("csv", "is empty", "Begin with a row that names the columns.");
        }

        if (parser.Count > MaxColumns)
        {
            throw Problem.Invalid("csv", $"has {parser.Count} columns", $"Send at most {MaxColumns}.");
        }

        Func<string, string> cellOf = request.Spreadsheet ? CsvCells.Unguard : cell => cell;
        Columns = new CsvColumns(table, [.. parser.Record!.Select(cellOf)], request.Columns);
        var count = Columns.Fields.Length;
        var violations = new List<Violation>();
        while (parser.Read())
        {
            if (_rows.Count == MaxRows)
            {
                throw Problem.Invalid("csv", $"has more than {MaxRows} rows", "Send it in parts, each with the first row.");
            }

            if (parser.Count != count)
            {
                violations.Add(
                    new Violation
                    {
                        Field = NameOf(_rows.Count),
                        Rule = $"has {parser.Count} cells, not {count}",
                        Fix = "Give every row a cell for every column. A cell with the delimiter in it stands in quotes.",
                    }
                );
            }

            _rows.Add([.. parser.Record!.Select(cellOf)]);
        }

        if (_rows.Count == 0)
        {
            throw Problem.Invalid("csv", "has no rows but the first, which names the columns", "Send rows.");
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }
    }

    public CsvColumns Columns { get; }

    public int Count => _rows.Count;

    /// <summary>As messages call a row: the first row of records is the second of the text, as in a spreadsheet.</summary>
    public static string NameOf(int index) => $"row {index + 2}";

    /// <summary>The cells of a column that are not empty, by row.</summary>
    public IEnumerable<(int Index, string Cell)> CellsOf(int column) =>
        _rows.Select((row, index) => (index, row[column])).Where(cell => cell.Item2.Length > 0);

    /// <summary>Puts another text in the place of a cell.</summary>
    public void Replace(int index, int column, string cell) => _rows[index][column] = cell;

    /// <summary>The rows as records, a JSON object of values each.</summary>
    public List<Json> ToRecords(CellFormat format)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, JsonText.Options);
        return _rows.ConvertAll(row =>
        {
            buffer.ResetWrittenCount();
            json.Reset(buffer);
            json.WriteStartObject();
            foreach (var (field, cell) in Columns.Fields.Zip(row).Where(one => one.First is not null))
            {
                json.WritePropertyName(field!.EncodedName);
                CsvCells.WriteJson(json, field, cell, format);
            }

            json.WriteEndObject();
            json.Flush();
            return new Json { Utf8 = ByteString.CopyFrom(buffer.WrittenSpan) };
        });
    }

    // A quote that is never closed makes one cell of all that follows.
    private static void CheckQuotes(string text, char delimiter)
    {
        var (line, opened, isAtStart) = (1, 0, true);
        for (var i = 0; i < text.Length; i++)
        {
            var next = i + 1 < text.Length ? text[i + 1] : '\0';
            line += text[i] == '\n' || text[i] == '\r' && next != '\n' ? 1 : 0;
            if (opened > 0 && text[i] == '"' && next == '"')
            {
                i++;
            }
            else if (opened > 0)
            {
                opened = text[i] == '"' ? 0 : opened;
            }
            else
            {
                opened = text[i] == '"' && isAtStart ? line : 0;
                isAtStart = text[i] == delimiter || text[i] is '\n' or '\r';
            }
        }

        if (opened > 0)
        {
            throw Problem.Invalid(
                "csv",
                $"line {opened} opens a quote that is never closed",
                "Close it, or double the quotes inside of the cell."
            );
        }
    }
}
