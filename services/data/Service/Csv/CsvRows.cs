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

/// <summary>The rows of a CSV text as records, a JSON object of values each.</summary>
internal static class CsvRows
{
    private const int MaxRows = 10_000;
    private const int MaxColumns = 1000;

    /// <exception cref="Grpc.Core.RpcException">
    /// INVALID_ARGUMENT: the text is not CSV, a column is not a field, a row has another length, or there are too many rows.
    /// </exception>
    public static List<Json> Read(TableSchema table, ImportCsvRequest request, CsvConfiguration format)
    {
        // A quote in the wrong place means that the row was cut wrongly: the import is refused, since a guess could be wrong.
        format.BadDataFound = bad =>
            throw Problem.Invalid(
                "csv",
                $"row {bad.Context.Parser!.Row} has a quote in the middle of a cell",
                "Put the cell in quotes, and double the quotes inside."
            );
        using var text = new StringReader(request.Csv.TrimStart('\ufeff'));
        using var parser = new CsvParser(text, format);
        if (!parser.Read())
        {
            throw Problem.Invalid("csv", "is empty", "Begin with a row that names the columns.");
        }

        if (parser.Count > MaxColumns)
        {
            throw Problem.Invalid("csv", $"has {parser.Count} columns", $"Send at most {MaxColumns}.");
        }

        var columns = Columns(table, parser.Record!, request.Columns);
        var rows = new List<Json>();
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, JsonText.Options);
        var violations = new List<Violation>();
        while (parser.Read())
        {
            if (rows.Count == MaxRows)
            {
                throw Problem.Invalid("csv", $"has more than {MaxRows} rows", "Send it in parts.");
            }

            if (parser.Count != columns.Length)
            {
                violations.Add(
                    new Violation
                    {
                        Field = $"row {rows.Count + 2}",
                        Rule = $"has {parser.Count} cells, not {columns.Length}",
                        Fix = "Give every row a cell for every column.",
                    }
                );
            }
            else if (violations.Count == 0)
            {
                buffer.ResetWrittenCount();
                json.Reset(buffer);
                json.WriteStartObject();
                for (var i = 0; i < columns.Length; i++)
                {
                    if (columns[i] is { } field)
                    {
                        json.WritePropertyName(field.EncodedName);
                        CsvCells.WriteJson(json, field, parser[i]);
                    }
                }

                json.WriteEndObject();
                json.Flush();
            }

            rows.Add(new Json { Utf8 = ByteString.CopyFrom(buffer.WrittenSpan) });
        }

        if (rows.Count == 0)
        {
            throw Problem.Invalid("csv", "has no rows but the first, which names the columns", "Send rows.");
        }

        return violations.Count == 0 ? rows : throw Problem.Invalid([.. violations.Take(50)]);
    }

    // Null for a column that is left out.
    private static FieldSchema?[] Columns(TableSchema table, string[] names, Google.Protobuf.Collections.MapField<string, string> mapped)
    {
        var violations = mapped
            .Keys.Except(names)
            .Select(name => new Violation
            {
                Field = $"columns.{name}",
                Rule = "is not a column of the text",
                Fix = $"Use one of: {string.Join(", ", names.Take(60))}.",
            })
            .ToList();
        var columns = new FieldSchema?[names.Length];
        for (var i = 0; i < names.Length; i++)
        {
            var target = mapped.TryGetValue(names[i], out var other) ? other : names[i];
            columns[i] = table.Find(target);
            var rule =
                names.AsSpan(0, i).Contains(names[i]) ? "appears twice"
                : columns[i] is null && (target.Length > 0 || other is null) ? $"{target} is not a field of the table"
                : columns[i] is not null && columns.AsSpan(0, i).Contains(columns[i]) ? $"goes to {columns[i]!.Name}, like another column"
                : null;
            if (rule is not null)
            {
                violations.Add(
                    new Violation
                    {
                        Field = $"column {names[i]}",
                        Rule = rule,
                        Fix = $"Map it in columns, or leave it out with \"\". {table.KnownFields(withSystem: false)}",
                    }
                );
            }
        }

        return violations.Count == 0 ? columns : throw Problem.Invalid([.. violations.Take(50)]);
    }
}
