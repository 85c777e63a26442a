using System.Text.Json;
using CsvHelper;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;

namespace Platform.Data.Service.Csv;

/// <summary>Values as cells, and cells as values.</summary>
internal static class CsvCells
{
    private const string Between = "; ";

    public static void Write(CsvWriter csv, Record record, bool withId, bool raw)
    {
        if (withId)
        {
            csv.WriteField(record.Id);
        }

        if (record.Fields is not null)
        {
            using var fields = JsonDocument.Parse(record.Fields.Utf8.Memory);
            foreach (var field in fields.RootElement.EnumerateObject())
            {
                var text = Text(field.Value);
                if (text.Length == 0 && !withId && fields.RootElement.GetPropertyCount() == 1)
                {
                    // An empty line would be no row.
                    csv.WriteField("", shouldQuote: true);
                    continue;
                }

                csv.WriteField(raw || field.Value.ValueKind == JsonValueKind.Number ? text : WithoutFormula(text));
            }
        }

        csv.NextRecord();
    }

    /// <summary>Spreadsheets run what begins like a formula; behind an apostrophe it is text. See OWASP, "CSV Injection".</summary>
    public static string WithoutFormula(string text) =>
        text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' ? "'" + text : text;

    /// <summary>Writes a cell as JSON that the field's kind reads; what it cannot be goes on as text, for the kind to refuse.</summary>
    public static void WriteJson(Utf8JsonWriter json, FieldSchema field, string cell)
    {
        if (cell.Length == 0)
        {
            json.WriteNullValue();
        }
        else if (field.Kind == NumberKind.Instance && IsNumber(cell))
        {
            json.WriteRawValue(cell);
        }
        else if (field.Kind == CheckboxKind.Instance && Checkbox(cell) is { } isTrue)
        {
            json.WriteBooleanValue(isTrue);
        }
        else if (field.Kind is MultiSelectKind or LinkKind)
        {
            json.WriteStartArray();
            foreach (
                var item in field.FindChoice(cell) is null
                    ? cell.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    : [cell]
            )
            {
                json.WriteStringValue(item);
            }

            json.WriteEndArray();
        }
        else
        {
            json.WriteStringValue(cell);
        }
    }

    private static string Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null => "",
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Array => string.Join(Between, value.EnumerateArray().Select(Item)),
            _ => value.GetRawText(),
        };

    // A choice by its label, a linked record by its id.
    private static string Item(JsonElement item) =>
        item.ValueKind == JsonValueKind.String ? item.GetString()!
        : item.TryGetProperty("id", out var id) ? id.GetString()!
        : "…";

    private static bool IsNumber(string cell)
    {
        try
        {
            var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(cell));
            return reader.Read() && reader.TokenType == JsonTokenType.Number && !reader.Read() && cell.Trim().Length == cell.Length;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool? Checkbox(string cell) =>
        cell.ToUpperInvariant() switch
        {
            "TRUE" or "YES" or "1" => true,
            "FALSE" or "NO" or "0" => false,
            _ => null,
        };
}
