using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Platform.Demo.Steps;

/// <summary>
/// A row of <c>data/movies.json</c> of npm's vega-datasets: 3,201 films, with titles that are numbers, dates such as "Jun 12 1998", and
/// many holes.
/// </summary>
/// <param name="Row">Its place in the file, from 1, so that a lost or doubled row shows.</param>
internal sealed record Movie(int Row, JsonObject Source)
{
    private const string Package = "vega-datasets";
    private const string Version = "3.2.1";

    public const int Expected = 3201;

    public string? Title => Text("Title");

    public decimal? WorldwideGross => Number("Worldwide Gross");

    public decimal? ImdbRating => Number("IMDB Rating");

    public decimal? ImdbVotes => Number("IMDB Votes");

    public string? Genre => Text("Major Genre");

    public string? Director => Text("Director");

    public string? Rating => Text("MPAA Rating");

    public DateOnly? Released =>
        Text("Release Date") is { } text ? DateOnly.ParseExact(text, "MMM dd yyyy", CultureInfo.InvariantCulture) : null;

    /// <summary>As create_records takes it. Holes are left out.</summary>
    public JsonObject ToFields()
    {
        var fields = new Dictionary<string, JsonNode?>
        {
            ["Row"] = Row,
            ["Title"] = Title,
            ["Released"] = Released?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            ["Director"] = Director,
            ["Distributor"] = Text("Distributor"),
            ["MPAA rating"] = Rating,
            ["Genre"] = Genre,
            ["Source"] = Text("Source"),
            ["Creative type"] = Text("Creative Type"),
            ["Running time"] = Number("Running Time min"),
            ["Production budget"] = Number("Production Budget"),
            ["US gross"] = Number("US Gross"),
            ["Worldwide gross"] = WorldwideGross,
            ["US DVD sales"] = Number("US DVD Sales"),
            ["Rotten Tomatoes"] = Number("Rotten Tomatoes Rating"),
            ["IMDB rating"] = ImdbRating,
            ["IMDB votes"] = ImdbVotes,
        };
        return new JsonObject(fields.Where(field => field.Value is not null));
    }

    /// <summary>The fields of the table, as create_table takes them. The choices of a select are those in the data.</summary>
    public static JsonArray Fields(IReadOnlyList<Movie> movies) =>
        [
            new JsonObject { ["name"] = "Title", ["type"] = "text" },
            new JsonObject
            {
                ["name"] = "Row",
                ["type"] = "number",
                ["precision"] = 0,
                ["required"] = true,
                ["description"] = "Place in the source file",
            },
            new JsonObject { ["name"] = "Released", ["type"] = "date" },
            new JsonObject { ["name"] = "Director", ["type"] = "text" },
            new JsonObject { ["name"] = "Distributor", ["type"] = "text" },
            Select("MPAA rating", movies.Select(movie => movie.Rating)),
            Select("Genre", movies.Select(movie => movie.Genre)),
            Select("Source", movies.Select(movie => movie.Text("Source"))),
            Select("Creative type", movies.Select(movie => movie.Text("Creative Type"))),
            new JsonObject
            {
                ["name"] = "Running time",
                ["type"] = "number",
                ["precision"] = 0,
                ["description"] = "Minutes",
            },
            new JsonObject
            {
                ["name"] = "Production budget",
                ["type"] = "number",
                ["precision"] = 0,
                ["description"] = "US dollars",
            },
            new JsonObject
            {
                ["name"] = "US gross",
                ["type"] = "number",
                ["precision"] = 0,
                ["description"] = "US dollars",
            },
            new JsonObject
            {
                ["name"] = "Worldwide gross",
                ["type"] = "number",
                ["precision"] = 0,
                ["description"] = "US dollars",
            },
            new JsonObject
            {
                ["name"] = "US DVD sales",
                ["type"] = "number",
                ["precision"] = 0,
                ["description"] = "US dollars",
            },
            new JsonObject
            {
                ["name"] = "Rotten Tomatoes",
                ["type"] = "number",
                ["precision"] = 0,
                ["description"] = "Percent",
            },
            new JsonObject
            {
                ["name"] = "IMDB rating",
                ["type"] = "number",
                ["precision"] = 1,
            },
            new JsonObject
            {
                ["name"] = "IMDB votes",
                ["type"] = "number",
                ["precision"] = 0,
            },
        ];

    /// <summary>Reads the data set, which npm brings the first time.</summary>
    public static async Task<IReadOnlyList<Movie>> LoadAsync(Story story, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(Checkout.Folder, "data");
        var file = Path.Combine(folder, "package", "data", "movies.json");
        var complete = Path.Combine(folder, $"{Package}-{Version}.complete");
        if (!File.Exists(complete))
        {
            Directory.CreateDirectory(folder);
            story.Say($"Fetching {Package} {Version} from npm.");
            await RunAsync(folder, "npm", ["pack", $"{Package}@{Version}", "--silent"], cancellationToken);
            await RunAsync(folder, "tar", ["-xzf", $"{Package}-{Version}.tgz", "package/data/movies.json"], cancellationToken);
            File.Delete(Path.Combine(folder, $"{Package}-{Version}.tgz"));
            await File.WriteAllTextAsync(complete, "", cancellationToken);
        }

        var rows = JsonNode.Parse(await File.ReadAllTextAsync(file, cancellationToken))!.AsArray();
        return [.. rows.Select((row, index) => new Movie(index + 1, row!.AsObject()))];
    }

    // Titles such as 300 are numbers in the file.
    private string? Text(string name) => Source[name]?.ToString() is { Length: > 0 } text ? text : null;

    private decimal? Number(string name) => Source[name] is { } value ? (decimal)value : null;

    private static JsonObject Select(string name, IEnumerable<string?> values) =>
        new()
        {
            ["name"] = name,
            ["type"] = "select",
            ["choices"] = new JsonArray([
                .. values.OfType<string>().Distinct().Order(StringComparer.Ordinal).Select(value => new JsonObject { ["label"] = value }),
            ]),
        };

    private static async Task RunAsync(string folder, string program, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        _ = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new DemoFailedException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await error}");
        }
    }
}
