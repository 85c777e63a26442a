using Npgsql;

namespace Platform.Bench;

/// <summary>The same rows in the same server, reached by Npgsql without anything in between: no contract, no audit, no history.</summary>
internal sealed class SqlBaseline(NpgsqlDataSource database)
{
    private const string Create = """
        drop table if exists bench_film;
        create table bench_film (
            id uuid primary key, version bigint not null default 1, title text, gross numeric, rating text, released date,
            created_at timestamptz not null default now(), updated_at timestamptz not null default now())
        """;

    private const string Insert = """
        insert into bench_film (id, title, gross, rating, released)
        select * from unnest($1::uuid[], $2::text[], $3::numeric[], $4::text[], $5::date[])
        """;

    private const string Get = "select id, version, title, gross, rating, released, created_at, updated_at from bench_film where id = $1";

    private const string Search = """
        select id, version, title, gross, rating, released, created_at, updated_at from bench_film
        where gross between 500000 and 510000 and rating = 'PG' order by gross desc, id limit 50
        """;

    private readonly List<Guid> _ids = [];

    public async Task CreateAsync(int rows)
    {
        await ExecuteAsync(Create);
        for (var first = 0; first < rows; first += 1000)
        {
            _ids.AddRange(await InsertAsync(first, 1000));
        }

        await ExecuteAsync("analyze bench_film");
    }

    public Task GetAsync() => ReadAsync(Get, _ids[Random.Shared.Next(_ids.Count)]);

    public Task SearchAsync() => ReadAsync(Search);

    public Task CreateHundredAsync() => InsertAsync(0, 100);

    private async Task<Guid[]> InsertAsync(int first, int count)
    {
        var films = Enumerable.Range(first, count).Select(Film.Number).ToList();
        var ids = films.ConvertAll(_ => Guid.CreateVersion7()).ToArray();
        await using var command = database.CreateCommand(Insert);
        foreach (var column in (object[])[ids, films.ConvertAll(film => film.Title).ToArray(), films.ConvertAll(film => (decimal)film.Gross).ToArray(),
            films.ConvertAll(film => film.Rating).ToArray(), films.ConvertAll(film => film.Released).ToArray()])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = column });
        }

        await command.ExecuteNonQueryAsync();
        return ids;
    }

    private async Task ReadAsync(string sql, params object[] arguments)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        await using var reader = await command.ExecuteReaderAsync();
        var values = new object[reader.FieldCount];
        while (await reader.ReadAsync())
        {
            reader.GetValues(values);
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>A made-up film, the same for the same number.</summary>
internal sealed record Film(string Title, int Gross, string Rating, DateOnly Released)
{
    private static readonly string[] _ratings = ["G", "PG", "PG-13", "R"];

    public static Film Number(int number) =>
        new($"Film {number}", (int)(number * 7919L % 1_000_000), _ratings[number % 4], new DateOnly(1950, 1, 1).AddDays(number % 25_000));
}
