using System.Text.Json.Nodes;

namespace Platform.Demo.Steps;

/// <summary>Asks the table, and works the same out from the file.</summary>
internal static class MovieQuestions
{
    public static async Task RunAsync(
        Agent agent,
        string tableId,
        IReadOnlyList<Movie> movies,
        Story story,
        CancellationToken cancellationToken
    )
    {
        await AskAsync(
            "Which films of the 1990s earned most, worldwide?",
            """{"operator":"IS_WITHIN","leftSide":"Released","lowerBound":"1990-01-01","upperBound":"1999-12-31"}""",
            [new("Worldwide gross", "DESC")],
            5,
            movies.Where(movie => movie.Released?.Year is >= 1990 and <= 1999).OrderByDescending(movie => movie.WorldwideGross ?? -1),
            movie => $"{movie.WorldwideGross / 1_000_000:0} million"
        );

        await AskAsync(
            "Which dramas rate 8.5 and more at IMDB, with over 100,000 votes?",
            """
            {"operator":"AND","conditions":[
              {"operator":"IS","leftSide":"Genre","rightSide":"Drama"},
              {"operator":"GREATER_THAN_OR_EQUALS","leftSide":"IMDB rating","rightSide":8.5},
              {"operator":"GREATER_THAN","leftSide":"IMDB votes","rightSide":100000}]}
            """,
            [new("IMDB rating", "DESC"), new("IMDB votes", "DESC")],
            50,
            movies
                .Where(movie => movie is { Genre: "Drama", ImdbRating: >= 8.5m, ImdbVotes: > 100_000 })
                .OrderByDescending(movie => movie.ImdbRating)
                .ThenByDescending(movie => movie.ImdbVotes),
            movie => $"{movie.ImdbRating} of {movie.ImdbVotes} votes"
        );

        await AskAsync(
            "What did Steven Spielberg bring out from 1980 to 1999 that children may see with their parents?",
            """
            {"operator":"AND","conditions":[
              {"operator":"IS","leftSide":"Director","rightSide":"Steven Spielberg"},
              {"operator":"IS_BETWEEN","leftSide":"Released","lowerBound":"1980-01-01","upperBound":"1999-12-31"},
              {"operator":"OR","conditions":[
                {"operator":"IS","leftSide":"MPAA rating","rightSide":"PG"},
                {"operator":"IS_ONE_OF","leftSide":"MPAA rating","rightSide":["PG-13","G"]}]}]}
            """,
            [new("Released", "ASC")],
            50,
            movies
                .Where(movie =>
                    movie is { Director: "Steven Spielberg", Released.Year: >= 1980 and <= 1999, Rating: "PG" or "PG-13" or "G" }
                )
                .OrderBy(movie => movie.Released),
            movie => $"{movie.Released:yyyy-MM-dd}"
        );

        async Task AskAsync(
            string question,
            string filter,
            IReadOnlyList<Sorting> sorting,
            int limit,
            IEnumerable<Movie> expected,
            Func<Movie, string> show
        )
        {
            var answer = await agent.CallUntilAnsweredAsync(
                "search_records",
                new SearchArguments(tableId)
                {
                    Filter = JsonNode.Parse(filter),
                    Sorting = sorting,
                    Limit = limit,
                    ReturnFields = ["Title", "Row"],
                    IncludeTotal = true,
                },
                cancellationToken
            );
            var found = answer
                .GetProperty("records")
                .EnumerateArray()
                .Select(record => (int)record.GetProperty("fields").GetProperty("Row").GetDecimal())
                .ToList();
            var right = expected.ToList();
            story.Say(question);
            foreach (var row in found.Take(5))
            {
                story.Say($"  {movies[row - 1].Title}, {show(movies[row - 1])}");
            }

            story.Check(
                found.Count > 0
                    && found.SequenceEqual(right.Take(limit).Select(movie => movie.Row))
                    && answer.GetProperty("page").GetProperty("total").GetInt64() == right.Count,
                $"{right.Count} films, the same as worked out from the file itself."
            );
        }
    }
}
