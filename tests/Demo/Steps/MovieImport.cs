using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Platform.Demo.Steps;

/// <summary>
/// Imports the films, a hundred at a time. Each batch has an idempotency key of its own and is repeated until it is answered, so that
/// whatever fails meanwhile neither loses nor doubles a row.
/// </summary>
internal static class MovieImport
{
    private const int Batch = 100;

    /// <param name="onBatch">Called before each batch, with its number.</param>
    /// <returns>The id of the table.</returns>
    public static async Task<string> RunAsync(
        Agent agent,
        IReadOnlyList<Movie> movies,
        string task,
        Story story,
        CancellationToken cancellationToken,
        Func<int, Task>? onBatch = null
    )
    {
        var run = Guid.CreateVersion7().ToString("N");
        var database = await agent.CallUntilAnsweredAsync(
            "create_database",
            new
            {
                name = $"Movies {run[..12]}",
                description = "Films of npm's vega-datasets",
                idempotencyKey = $"{run}-database",
                task,
            },
            cancellationToken
        );
        var table = await agent.CallUntilAnsweredAsync(
            "create_table",
            new
            {
                databaseId = database.GetProperty("database").GetProperty("id").GetString(),
                name = "Films",
                fields = Movie.Fields(movies),
                idempotencyKey = $"{run}-table",
                task,
            },
            cancellationToken
        );
        var tableId = table.GetProperty("table").GetProperty("id").GetString()!;
        story.Say($"Created the table {tableId} with {table.GetProperty("table").GetProperty("fields").GetArrayLength()} fields.");

        var clock = Stopwatch.StartNew();
        var done = 0;
        foreach (var (number, batch) in movies.Chunk(Batch).Index())
        {
            if (onBatch is not null)
            {
                await onBatch(number);
            }

            var answer = await agent.CallUntilAnsweredAsync(
                "create_records",
                new
                {
                    tableId,
                    records = new JsonArray([.. batch.Select(movie => new JsonObject { ["fields"] = movie.ToFields() })]),
                    idempotencyKey = $"{run}-{number}",
                    task,
                },
                cancellationToken
            );
            if (answer.GetProperty("recordIds").GetArrayLength() != batch.Length)
            {
                throw new DemoFailedException(
                    $"{batch.Length} records were sent and {answer.GetProperty("recordIds").GetArrayLength()} created."
                );
            }

            done += batch.Length;
            story.Progress(done, movies.Count, "films");
        }

        story.Say($"Imported in {clock.Elapsed.TotalSeconds:0.0} s ({movies.Count / clock.Elapsed.TotalSeconds:0} films a second).");
        return tableId;
    }

    /// <summary>Whether the table holds every film once.</summary>
    public static async Task CheckAsync(
        Agent agent,
        string tableId,
        IReadOnlyList<Movie> movies,
        Story story,
        CancellationToken cancellationToken
    )
    {
        var rows = new List<int>();
        long? total = null;
        string? cursor = null;
        do
        {
            var answer = await agent.CallUntilAnsweredAsync(
                "search_records",
                new SearchArguments(tableId)
                {
                    Sorting = [new("Row", "ASC")],
                    Limit = 200,
                    ReturnFields = ["Row"],
                    IncludeTotal = total is null,
                    Cursor = cursor,
                },
                cancellationToken
            );
            rows.AddRange(
                answer
                    .GetProperty("records")
                    .EnumerateArray()
                    .Select(record => (int)record.GetProperty("fields").GetProperty("Row").GetDecimal())
            );
            var page = answer.GetProperty("page");
            total ??= page.GetProperty("total").GetInt64();
            cursor = page.GetProperty("hasMore").GetBoolean() ? page.GetProperty("nextCursor").GetString() : null;
        } while (cursor is not null);

        story.Check(total == movies.Count, $"search_records counts {total} of {movies.Count} films.");
        var lost = movies.Select(movie => movie.Row).Except(rows).Count();
        var doubled = rows.Count - rows.Distinct().Count();
        story.Check(
            lost == 0 && doubled == 0 && rows.Order().SequenceEqual(rows),
            $"Read back page by page: {lost} lost, {doubled} doubled, in order."
        );
    }
}

/// <summary>The arguments of search_records; null is left out.</summary>
internal sealed record SearchArguments(string TableId)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonNode? Filter { get; init; }

    public IReadOnlyList<Sorting> Sorting { get; init; } = [];

    public int Limit { get; init; } = 50;

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Cursor { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ReturnFields { get; init; }

    public bool IncludeTotal { get; init; }
}

internal sealed record Sorting(string SortingField, string SortType);
