using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Platform.Data.Tests.DataFiles;

/// <summary>A public data file: its columns, and its rows as cells of text.</summary>
internal sealed class DataFile
{
    // These mean something else in a record, so that no field has such a name.
    private static readonly string[] _taken = ["id", "version", "createdAt", "updatedAt", "createdBy", "updatedBy"];

    private readonly List<JsonObject> _records = [];

    private DataFile(string text, char delimiter, string[] header, List<string[]> rows)
    {
        (Text, Delimiter, Header, Rows) = (text, delimiter, header, rows);
    }

    public string Text { get; }

    public char Delimiter { get; }

    public string[] Header { get; }

    public List<string[]> Rows { get; }

    public static DataFile OfCsv(string text, char delimiter)
    {
        var rows = ReadRows(text, delimiter);
        return new DataFile(text, delimiter, rows[0], rows[1..]);
    }

    /// <summary>An array of objects, or an object of them, whose keys go into a column of their own.</summary>
    public static DataFile OfJson(string text, int most)
    {
        var records = (
            JsonNode.Parse(text) switch
            {
                JsonArray array => array.Select(item => item!.AsObject()),
                var node => node!
                    .AsObject()
                    .Select(one => new JsonObject([
                        KeyValuePair.Create("key", (JsonNode?)JsonValue.Create(one.Key)),
                        .. Copy(one.Value!.AsObject()),
                    ])),
            }
        ).Take(most);
        var file = new DataFile(text, ',', [], []);
        file._records.AddRange(records);
        string[] header = [.. file._records.SelectMany(record => record).Select(member => member.Key).Distinct()];
        List<string[]> rows =
        [
            .. file._records.Select(record =>
                header.Select(name => CellOf(record.TryGetPropertyValue(name, out var value) ? value : null)).ToArray()
            ),
        ];
        var read = new DataFile(text, ',', header, rows);
        read._records.AddRange(file._records);
        return read;
    }

    /// <summary>What the field of a column is called.</summary>
    public static string NameOf(string column) => _taken.Contains(column) ? char.ToUpperInvariant(column[0]) + column[1..] : column;

    public IEnumerable<string> Cells(int column) => Rows.Select(row => row[column]);

    /// <summary>As create_records takes them.</summary>
    public IEnumerable<string> Records() =>
        _records.Select(record =>
            new JsonObject(
                record.Select(member =>
                    KeyValuePair.Create(
                        NameOf(member.Key),
                        member.Value switch
                        {
                            null => null,
                            JsonValue value => value.DeepClone(),
                            var list => JsonValue.Create(list.ToJsonString(_plain)),
                        }
                    )
                )
            ).ToJsonString(_plain)
        );

    /// <summary>
    /// The rows as an export writes them: commas between cells, CR LF behind rows, quotes around cells that have a comma, a quote, a line
    /// end or a space at an end, and around an empty cell that is a row of its own; text in the composed form of Unicode.
    /// </summary>
    public string Canonical()
    {
        var text = new StringBuilder();
        foreach (var row in Rows.Prepend([.. Header.Select(NameOf)]))
        {
            text.AppendJoin(',', row.Select(cell => Quoted(cell, row.Length))).Append("\r\n");
        }

        return text.ToString().Normalize();
    }

    private static readonly JsonSerializerOptions _plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static string Quoted(string cell, int cells) =>
        cell.AsSpan().ContainsAny(",\"\r\n") || cell.StartsWith(' ') || cell.EndsWith(' ') || cell.Length == 0 && cells == 1
            ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : cell;

    private static string CellOf(JsonNode? value) =>
        value switch
        {
            null => "",
            JsonValue text when text.GetValueKind() == JsonValueKind.String => text.GetValue<string>(),
            _ => value.ToJsonString(_plain),
        };

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Copy(JsonObject record) =>
        record.Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone()));

    private static List<string[]> ReadRows(string text, char delimiter)
    {
        var (rows, row, cell, isQuoted) = (new List<string[]>(), new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (isQuoted)
            {
                if (character != '"')
                {
                    cell.Append(character);
                }
                else if (i + 1 < text.Length && text[i + 1] == '"')
                {
                    cell.Append(text[++i]);
                }
                else
                {
                    isQuoted = false;
                }
            }
            else if (character == '"' && cell.Length == 0)
            {
                isQuoted = true;
            }
            else if (character == delimiter)
            {
                EndCell();
            }
            else if (character == '\n')
            {
                EndRow();
            }
            else if (character != '\r')
            {
                cell.Append(character);
            }
        }

        if (cell.Length > 0 || row.Count > 0)
        {
            EndRow();
        }

        return rows;

        void EndCell()
        {
            row.Add(cell.ToString());
            cell.Clear();
        }

        void EndRow()
        {
            EndCell();
            rows.Add([.. row]);
            row.Clear();
        }
    }
}
