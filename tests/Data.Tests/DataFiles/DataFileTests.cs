using System.ComponentModel;
using System.Text;
using System.Text.RegularExpressions;
using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests.DataFiles;

/// <summary>
/// Public data files go in, as CSV or record by record, and come out byte for byte. What may differ is written in
/// <see cref="DataFile.Canonical"/>, and nothing else.
/// </summary>
public sealed partial class DataFileTests(DataFixture data) : IClassFixture<DataFixture>
{
    private static readonly SemaphoreSlim _turn = new(1, 1);

    [Theory]
    [InlineData("csv-spectrum/csvs/comma_in_quotes.csv")]
    [InlineData("csv-spectrum/csvs/empty.csv")]
    [InlineData("csv-spectrum/csvs/empty_crlf.csv")]
    [InlineData("csv-spectrum/csvs/escaped_quotes.csv")]
    [InlineData("csv-spectrum/csvs/json.csv")]
    [InlineData("csv-spectrum/csvs/location_coordinates.csv")]
    [InlineData("csv-spectrum/csvs/newlines.csv")]
    [InlineData("csv-spectrum/csvs/newlines_crlf.csv")]
    [InlineData("csv-spectrum/csvs/quotes_and_newlines.csv")]
    [InlineData("csv-spectrum/csvs/utf8.csv")]
    [InlineData("vega-datasets/data/airports.csv")]
    [InlineData("vega-datasets/data/co2-concentration.csv")]
    [InlineData("vega-datasets/data/disasters.csv")]
    [InlineData("vega-datasets/data/gapminder-health-income.csv")]
    [InlineData("vega-datasets/data/github.csv")]
    [InlineData("vega-datasets/data/global-temp.csv")]
    [InlineData("vega-datasets/data/la-riots.csv")]
    [InlineData("vega-datasets/data/lookup_people.csv")]
    [InlineData("vega-datasets/data/population_engineers_hurricanes.csv")]
    [InlineData("vega-datasets/data/seattle-weather.csv")]
    [InlineData("vega-datasets/data/sp500-2000.csv")]
    [InlineData("vega-datasets/data/stocks.csv")]
    [InlineData("vega-datasets/data/unemployment.tsv")]
    [InlineData("vega-datasets/data/us-employment.csv")]
    [InlineData("vega-datasets/data/windvectors.csv")]
    [InlineData("world-countries/dist/countries.csv")]
    public async Task A_file_that_is_imported_comes_out_as_it_was(string path)
    {
        var file = DataFile.OfCsv(await ReadAsync(path), path.EndsWith(".tsv", StringComparison.Ordinal) ? '\t' : ',');
        var owner = DataFixture.Owner();
        var table = await CreateTableAsync(owner, file);
        var request = new ImportCsvRequest { TableId = table.Id, Csv = file.Text };
        if (file.Delimiter != ',')
        {
            request.Delimiter = file.Delimiter.ToString();
        }

        var imported = await LastAsync(data.Csv.ImportCsv(request, data.As(owner)).ResponseStream);
        Assert.Equal(file.Rows.Count, imported.Created);
        Assert.Equal(file.Header.Where(name => name != DataFile.NameOf(name)).ToDictionary(name => name, DataFile.NameOf), imported.Mapped);
        Assert.Equal(file.Canonical(), await ExportAsync(owner, table));
    }

    [Theory]
    [InlineData("airport-codes/airports.json")]
    [InlineData("country-json/src/country-by-currency-name.json")]
    [InlineData("country-json/src/country-by-geo-coordinates.json")]
    [InlineData("country-json/src/country-by-languages.json")]
    [InlineData("country-json/src/country-by-surface-area.json")]
    [InlineData("vega-datasets/data/barley.json")]
    [InlineData("vega-datasets/data/cars.json")]
    [InlineData("vega-datasets/data/flare.json")]
    [InlineData("vega-datasets/data/londonCentroids.json")]
    [InlineData("vega-datasets/data/normal-2d.json")]
    [InlineData("vega-datasets/data/political-contributions.json")]
    [InlineData("vega-datasets/data/weekly-weather.json")]
    [InlineData("unicode-emoji-json/data-by-emoji.json")]
    public async Task Records_of_a_file_come_out_as_they_were(string path)
    {
        var file = DataFile.OfJson(await ReadAsync(path), most: 2_000);
        var owner = DataFixture.Owner();
        var table = await CreateTableAsync(owner, file);
        foreach (var records in file.Records().Chunk(100))
        {
            await data.CreateRecordsAsync(owner, table, records);
        }

        Assert.Equal(file.Canonical(), await ExportAsync(owner, table));
    }

    private Task<Table> CreateTableAsync(TestCaller owner, DataFile file)
    {
        var fields = file.Header.Select((name, column) => DataFixture.Of(DataFile.NameOf(name), TypeOf(file.Cells(column)))).ToArray();
        return data.CreateTableAsync(owner, fields);
    }

    private static FieldType TypeOf(IEnumerable<string> column)
    {
        var cells = column.Where(cell => cell.Length > 0).ToList();
        return cells.Count == 0 ? FieldType.Text
            : cells.TrueForAll(Number().IsMatch) ? FieldType.Number
            : cells.TrueForAll(Date().IsMatch) ? FieldType.Date
            : cells.TrueForAll(cell => cell is "true" or "false") ? FieldType.Checkbox
            : FieldType.Text;
    }

    private async Task<string> ExportAsync(TestCaller owner, Table table)
    {
        var text = new StringBuilder();
        var cursor = "";
        do
        {
            var request = new ExportCsvRequest
            {
                TableId = table.Id,
                Cursor = cursor,
                MaxBytes = 500_000,
            };
            var page = await LastAsync(data.Csv.ExportCsv(request, data.As(owner)).ResponseStream);

            // Every page begins with the header.
            text.Append(text.Length == 0 ? page.Csv : page.Csv[(page.Csv.IndexOf("\r\n", StringComparison.Ordinal) + 2)..]);
            cursor = page.Page.NextCursor;
        } while (cursor.Length > 0);

        return text.ToString();
    }

    private static async Task<T> LastAsync<T>(IAsyncStreamReader<T> stream)
        where T : class
    {
        T? last = null;
        while (await stream.MoveNext(CancellationToken.None))
        {
            last = stream.Current;
        }

        return last!;
    }

    private static async Task<string> ReadAsync(string path)
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Platform.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        var folder = Path.Combine(root, "artifacts", "data-files");
        await _turn.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            await NpmPackages.InstallAsync(
                Path.Combine(root, "tests", "Data.Tests", "DataFiles", "Npm"),
                folder,
                TestContext.Current.CancellationToken
            );
        }
        catch (Win32Exception)
        {
            Assert.Skip("npm is missing.");
        }
        catch (InvalidOperationException exception) when (Unreachable().IsMatch(exception.Message))
        {
            Assert.Skip("npm's registry cannot be reached.");
        }
        finally
        {
            _turn.Release();
        }

        return await File.ReadAllTextAsync(Path.Combine(folder, "node_modules", path), TestContext.Current.CancellationToken);
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")]
    private static partial Regex Number();

    [GeneratedRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    private static partial Regex Date();

    [GeneratedRegex("ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH")]
    private static partial Regex Unreachable();
}
