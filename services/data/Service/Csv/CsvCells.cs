using System.Text.Json;
using CsvHelper;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;

namespace Platform.Data.Service.Csv;

/// <summary>Values as cells, and cells as values.</summary>
internal static class CsvCells
{
    // Spreadsheets run what begins so; behind an apostrophe it is text. See OWASP, "CSV Injection".
    private const string FormulaStarts = "=+-@\t\r";

    public static void Write(CsvWriter csv, Record record, IReadOnlyList<FieldSchema> fields, bool withId, bool forSpreadsheet)
    {
        if (withId)
        {
            csv.WriteField(record.Id);
        }

        if (record.Fields is not null)
        {
            // The values of a record are in the order of its fields.
            using var values = JsonDocument.Parse(record.Fields.Utf8.Memory);
            foreach (var (field, value) in fields.Zip(values.RootElement.EnumerateObject()))
            {
                var text = value.Value.ValueKind == JsonValueKind.Null ? "" : field.Kind.ToCell(value.Value);
                if (text.Length == 0 && !withId && fields.Count == 1)
                {
                    // A reader would skip an empty line.
                    csv.WriteField("", shouldQuote: true);
                    continue;
                }

                csv.WriteField(forSpreadsheet && !field.Kind.IsNeverFormula ? Guard(text) : text);
            }
        }

        csv.NextRecord();
    }

    /// <summary>Puts an apostrophe before a formula, and before text that <see cref="Unguard"/> would take one from.</summary>
    public static string Guard(string text) => IsGuardedOrFormula(text) ? "'" + text : text;

    /// <summary>Takes off what <see cref="Guard"/> has put there, and no other apostrophe.</summary>
    public static string Unguard(string cell) => cell.StartsWith('\'') && IsGuardedOrFormula(cell) ? cell[1..] : cell;

    /// <summary>Writes a cell as JSON that the field's kind reads.</summary>
    public static void WriteJson(Utf8JsonWriter json, FieldSchema field, string cell, CellFormat format)
    {
        if (cell.Length == 0)
        {
            json.WriteNullValue();
        }
        else
        {
            field.Kind.WriteCell(json, cell, field, format);
        }
    }

    private static bool IsGuardedOrFormula(string text)
    {
        var behind = text.AsSpan().TrimStart('\'');
        return !behind.IsEmpty && FormulaStarts.Contains(behind[0], StringComparison.Ordinal);
    }
}
