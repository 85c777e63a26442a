using System.Text.Json;
using CsvHelper;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;

namespace Platform.Data.Service.Csv;

/// <summary>Values as cells, and cells as values.</summary>
internal static class CsvCells
{
    public static void Write(CsvWriter csv, Record record, IReadOnlyList<FieldSchema> fields, bool withId, bool raw)
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

                csv.WriteField(raw || value.Value.ValueKind == JsonValueKind.Number ? text : WithoutFormula(text));
            }
        }

        csv.NextRecord();
    }

    /// <summary>Spreadsheets run what begins like a formula; behind an apostrophe it is text. See OWASP, "CSV Injection".</summary>
    public static string WithoutFormula(string text) =>
        text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' ? "'" + text : text;

    /// <summary>Writes a cell as JSON that the field's kind reads.</summary>
    public static void WriteJson(Utf8JsonWriter json, FieldSchema field, string cell)
    {
        if (cell.Length == 0)
        {
            json.WriteNullValue();
        }
        else
        {
            field.Kind.WriteCell(json, cell, field);
        }
    }
}
