using System.Globalization;
using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

/// <summary>
/// What export_csv writes, import_csv reads back value by value: random tables with a field of every type, texts that CSV, spreadsheets and
/// lists in cells could read otherwise, in both forms.
/// </summary>
public sealed class CsvRoundTripTests(DataFixture data) : IClassFixture<DataFixture>
{
    private const int Tables = 8;
    private const int Rows = 30;

    private static readonly string[] _pieces =
    [
        "=",
        "+",
        "-",
        "@",
        "'",
        "''",
        "'=",
        "\"",
        "\"\"",
        ",",
        ";",
        "; ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        " ",
        "\u00a0",
        "\\",
        "…",
        "|",
        "#",
        "%",
        "_",
        "a",
        "B",
        "ß",
        "1",
        "007",
        "1e5",
        "true",
        "null",
        "[]",
        "{}",
        "2026-05-01",
        "😀",
        "👩‍👩‍👧",
        "é",
        "e\u0301",
        "\u0301",
        "שלום",
        "\u202e",
        "\u2028",
        "cho_",
        "rec_",
        "id",
        "sep=;",
        "'+49 30 1234",
        "=1+1",
        "--",
        "@SUM(A1)",
    ];

    [Fact]
    public async Task What_is_exported_in_either_form_is_imported_as_it_was()
    {
        var seed = Environment.GetEnvironmentVariable("CSV_SEED") is { } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        for (var i = 0; i < Tables; i++)
        {
            try
            {
                await CheckAsync(new Random(unchecked(seed + i)));
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Fails with CSV_SEED={unchecked(seed + i)}: {exception.Message}", exception);
            }
        }
    }

    private async Task CheckAsync(Random random)
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner);
        var others = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = database.Id,
                    Name = "Others",
                    Fields = { DataFixture.Of("Name", FieldType.Text) },
                },
                data.As(owner)
            )
        ).Table;
        var linked = await data.CreateRecordsAsync(
            owner,
            others,
            [.. Enumerable.Range(0, 6).Select(_ => Object(("Name", Text(random, 3))))]
        );
        var fields = Fields(random, others);
        var original = await CreateAsync(owner, database, "Original", fields, open: false);
        var records = Enumerable.Range(0, Rows).Select(_ => Record(random, fields, linked)).ToArray();
        await data.CreateRecordsAsync(owner, original, records);
        var expected = await RecordsAsync(owner, original);
        Assert.Equal(Rows, expected.Count);

        foreach (var spreadsheet in new[] { false, true })
        {
            // One copy knows the choices already, the other learns them from the file.
            foreach (var open in new[] { false, true })
            {
                var copy = await CreateAsync(owner, database, $"Copy {spreadsheet} {open}", fields, open);
                var csv = await ExportAsync(owner, original, spreadsheet);
                await ImportAsync(owner, copy, csv, spreadsheet);
                var found = await RecordsAsync(owner, copy);
                for (var row = 0; row < Rows; row++)
                {
                    Assert.True(
                        expected[row] == found[row],
                        $"row {row + 2}, spreadsheet {spreadsheet}, open {open}\nwas    {expected[row]}\nbecame {found[row]}\n{csv}"
                    );
                }
            }
        }
    }

    private static List<Field> Fields(Random random, Table others)
    {
        var fields = new List<Field>();
        foreach (var type in Enum.GetValues<FieldType>().Where(type => type != FieldType.Unspecified).Concat([FieldType.Link]))
        {
            // A name may hold anything but control characters and white space around it.
            var nasty = new string([.. Text(random, 3).Where(character => !char.IsControl(character))]).Trim();
            var field = DataFixture.Of($"{nasty} {fields.Count}".Trim(), type);
            if (type is FieldType.Select or FieldType.MultiSelect)
            {
                field.Choices.AddRange(
                    Enumerable
                        .Range(0, 6)
                        // Labels are kept in NFC: two that differ only in their form are one.
                        .Select(_ => new string([.. Text(random, 3).Where(character => !char.IsControl(character))]).Trim().Normalize())
                        .Append("x; y")
                        .Append("x")
                        .Append("y")
                        .Where(label => label.Length > 0)
                        .Distinct()
                        .Select(label => new Choice { Label = label })
                );
            }
            else if (type == FieldType.Link)
            {
                field.LinkTableId = others.Id;
            }

            fields.Add(field);
        }

        return fields;
    }

    private static string Record(Random random, List<Field> fields, List<string> linked) =>
        Object([.. fields.Where(_ => random.Next(6) > 0).Select(field => (field.Name, Value(random, field, linked)))]);

    private static object Value(Random random, Field field, List<string> linked) =>
        field.Type switch
        {
            FieldType.Text or FieldType.LongText => Text(random, 8),
            FieldType.Number => Number(random),
            FieldType.Checkbox => random.Next(2) == 0,
            FieldType.Select => random.GetItems(field.Choices.ToArray(), 1)[0].Label,
            FieldType.MultiSelect => Some(random, [.. field.Choices.Select(choice => choice.Label)]),
            FieldType.Date => DateOnly
                .FromDayNumber(random.Next(DateOnly.MaxValue.DayNumber))
                .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            FieldType.DateTime => new DateTime(random.NextInt64(TimeSpan.TicksPerDay, DateTime.MaxValue.Ticks) / 10 * 10).ToString(
                "yyyy-MM-ddTHH:mm:ss.ffffff",
                CultureInfo.InvariantCulture
            ) + "+00:00",
            FieldType.Email => random.GetItems(["+a@b.example", "=x@y.example", "'-@é.example", "A.B@C.Example", "@"], 1)[0] is var address
            && address.Length > 1
                ? address
                : "a\"b@c.example",
            FieldType.Url => random.GetItems(["https://a.example/?x=1;2,\"3\"", "mailto:a@b.example", "tel:+49301234"], 1)[0],
            FieldType.Link => Some(random, linked),
            _ => throw new NotSupportedException($"Say here what values of {field.Type} are."),
        };

    private static object Number(Random random) =>
        random.Next(5) switch
        {
            0 => random.Next(-1000, 1000),
            1 => "-12345678901234567890.123456789012345678",
            2 => "9007199254740993",
            3 => random.NextDouble() - 0.5,
            _ => "0.00000000000000000000000000000000000001",
        };

    private static string[] Some(Random random, IReadOnlyList<string> all)
    {
        var some = all.ToArray();
        random.Shuffle(some);
        return some[..random.Next(1, Math.Min(4, some.Length + 1))];
    }

    private static string Text(Random random, int pieces) => string.Concat(random.GetItems(_pieces, random.Next(1, pieces + 1)));

    private static string Object(params IEnumerable<(string Name, object Value)> values) =>
        System.Text.Json.JsonSerializer.Serialize(values.ToDictionary(one => one.Name, one => one.Value));

    private async Task<Table> CreateAsync(TestCaller caller, Database database, string name, List<Field> fields, bool open) =>
        (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = database.Id,
                    Name = name,
                    Fields =
                    {
                        fields.Select(
                            (field, index) =>
                            {
                                var copy = field.Clone();
                                copy.LinkField = copy.LinkTableId.Length > 0 ? $"{name} {index}" : "";
                                if (open && copy.Choices.Count > 0)
                                {
                                    copy.Choices.Clear();
                                    copy.AllowNewChoices = true;
                                }

                                return copy;
                            }
                        ),
                    },
                },
                data.As(caller)
            )
        ).Table;

    private async Task<List<string>> RecordsAsync(TestCaller caller, Table table) =>
        [.. (await data.SearchAsync(caller, table)).Records.Select(record => record.Fields.Utf8.ToStringUtf8())];

    private async Task<string> ExportAsync(TestCaller caller, Table table, bool spreadsheet)
    {
        using var export = data.Csv.ExportCsv(new ExportCsvRequest { TableId = table.Id, Spreadsheet = spreadsheet }, data.As(caller));
        var csv = "";
        await foreach (var response in export.ResponseStream.ReadAllAsync())
        {
            csv = response.Csv;
        }

        return csv;
    }

    private async Task ImportAsync(TestCaller caller, Table table, string csv, bool spreadsheet)
    {
        var request = new ImportCsvRequest
        {
            TableId = table.Id,
            Csv = csv,
            Spreadsheet = spreadsheet,
        };
        using var import = data.Csv.ImportCsv(request, data.As(caller));
        await foreach (var response in import.ResponseStream.ReadAllAsync())
        {
            Assert.True(response.Progress is not null || response.Created == Rows && response.Mapped.Count == 0);
        }
    }
}
