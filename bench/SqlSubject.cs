using Npgsql;

namespace Platform.Bench;

/// <summary>The same rows in the same server, reached by Npgsql without anything in between: no contract, no audit, no history.</summary>
/// <param name="indexed">With the index that the search would like best, or none but the key.</param>
internal sealed class SqlSubject(NpgsqlDataSource database, bool indexed) : ISubject
{
    private const string Columns = "id, version, name, amount, due, status, active, email, notes, site, created_at, updated_at";

    private readonly string _table = indexed ? "bench_order_indexed" : "bench_order";
    private readonly List<Guid> _ids = [];

    public string Name => indexed ? "SQL, indexed" : "SQL";

    private string CreateTable =>
        $"""
            drop table if exists {_table};
            create table {_table} (
                id uuid primary key, version bigint not null default 1, name text, amount numeric, due date, status text, active boolean,
                email text,
                notes text, site text, created_at timestamptz not null default now(), updated_at timestamptz not null default now())
            """;

    private string Insert =>
        $"""
            insert into {_table} (id, name, amount, due, status, active, email, notes, site)
            select * from unnest(
                $1::uuid[], $2::text[], $3::numeric[], $4::date[], $5::text[], $6::boolean[], $7::text[], $8::text[], $9::text[])
            """;

    private string Get => $"select {Columns} from {_table} where id = $1";

    private string Search =>
        $"select {Columns} from {_table} where status = $1 and amount between $2 and $3 order by due desc, id limit {Query.Limit}";

    private string Update =>
        $"""
            update {_table} set amount = $2, status = $3, version = version + 1, updated_at = now() where id = $1 returning {Columns}
            """;

    public async Task FillAsync(int rows)
    {
        await ExecuteAsync(CreateTable);
        for (var first = 0; first < rows; first += 1000)
        {
            _ids.AddRange(await InsertAsync(first, 1000));
        }

        if (indexed)
        {
            await ExecuteAsync($"create index on {_table} (status, due desc) include (amount)");
        }

        await ExecuteAsync($"vacuum analyze {_table}");
    }

    public Task GetAsync() => ReadAsync(Get, AnyId());

    public Task SearchAsync() => SearchAsync(Query.Any());

    public Task UpdateAsync() => ReadAsync(Update, AnyId(), (decimal)Random.Shared.Next(10_000), Query.Any().Status);

    public Task CreateHundredAsync() => InsertAsync(0, 100);

    public async Task<IReadOnlyList<DateOnly>> DuesAsync(Query query) => [.. (await SearchAsync(query)).Select(row => (DateOnly)row[4])];

    private Task<List<object[]>> SearchAsync(Query query) => ReadAsync(Search, query.Status, (decimal)query.From, (decimal)query.To);

    private Guid AnyId() => _ids[Random.Shared.Next(_ids.Count)];

    private async Task<Guid[]> InsertAsync(int first, int count)
    {
        var orders = Enumerable.Range(first, count).Select(Order.Number).ToList();
        var ids = orders.ConvertAll(_ => Guid.CreateVersion7()).ToArray();
        await using var command = database.CreateCommand(Insert);
        foreach (
            var column in (object[])
                [
                    ids,
                    Column(order => order.Name),
                    Column(order => order.Amount),
                    Column(order => order.Due),
                    Column(order => order.Status),
                    Column(order => order.Active),
                    Column(order => order.Email),
                    Column(order => order.Notes),
                    Column(order => order.Site),
                ]
        )
        {
            command.Parameters.Add(new NpgsqlParameter { Value = column });
        }

        await command.ExecuteNonQueryAsync();
        return ids;

        T[] Column<T>(Converter<Order, T> value) => [.. orders.ConvertAll(value)];
    }

    private async Task<List<object[]>> ReadAsync(string sql, params object[] arguments)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object[]>();
        while (await reader.ReadAsync())
        {
            var values = new object[reader.FieldCount];
            reader.GetValues(values);
            rows.Add(values);
        }

        return rows;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = database.CreateCommand(sql);
        command.CommandTimeout = 300;
        await command.ExecuteNonQueryAsync();
    }
}
