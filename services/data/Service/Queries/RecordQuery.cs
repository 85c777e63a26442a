using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Queries;

/// <summary>Which records a caller asks for, in which order, and which page of them.</summary>
/// <param name="View">Its filter counts as well; its order counts where <paramref name="Sorting"/> is empty.</param>
/// <param name="Cursor">Where the page before ended; empty for the first page.</param>
internal sealed record PageRequest(
    ViewSchema? View,
    Json? Filter,
    IReadOnlyList<Sorting> Sorting,
    int Limit,
    string Cursor,
    bool WithTotal
);

/// <summary>One page of records: filter, order, and where it goes on, as SQL. Empty values come last in either direction.</summary>
internal sealed class RecordQuery
{
    /// <summary>Counting goes on to here; beyond, a total is "at least".</summary>
    public const int MaxCounted = 100_000;

    // A plan made for one value of a filter can be the wrong one for the next.
    private static readonly SessionSettings _session = new(ForceCustomPlan: true);

    private readonly TableSchema _table;
    private readonly RecordRows _rows;
    private readonly Cursors _cursors;
    private readonly int _limit;
    private readonly byte[] _identity;
    private readonly List<(SortingKey Key, bool Descending)> _keys = [];
    private readonly List<Statement> _statements = [];
    private readonly bool _withTotal;
    private readonly bool _isHeavy;

    public RecordQuery(TableSchema table, RecordRows rows, Cursors cursors, DateTimeOffset now, PageRequest request)
    {
        var (view, filter, sorting, limit, cursor, withTotal) = request;
        sorting = sorting.Count == 0 && view is not null ? view.SortingKeys : sorting;
        List<(string Path, Json Filter)> filters = [];
        if (view?.FilterJson is { } saved)
        {
            filters.Add(("view.filter", saved));
        }

        if (filter is { Utf8.IsEmpty: false })
        {
            filters.Add(("filter", filter));
        }

        (_table, _rows, _cursors, _limit, _withTotal) = (table, rows, cursors, limit, withTotal);
        _identity = IdentityOf(table, filters, sorting);
        var parameters = new QueryParameters();
        var compared = new List<ShapePart>();
        var size = new FilterSize();
        var where = Where(filters, parameters, now, size, compared);
        _isHeavy = size.IsHeavy;
        Shape = SearchShape.Of(compared, AddKeys(sorting, parameters));
        var after = After(cursors.Open(cursor, _identity), parameters);
        var order = string.Join(", ", _keys.Select(key => key.Key.Sql + key.Key.Direction(key.Descending)));
        if (_isHeavy)
        {
            _statements.Add(HeavyQueries.Begin);
        }

        _statements.Add(TableEntry.For(table));
        _statements.Add(
            new Statement(
                $"select {rows.Columns}, {string.Join(", ", _keys.Select(key => key.Key.Text))} from {table.QualifiedName} r "
                    + $"where {where}{after} order by {order} limit {parameters.Add(NpgsqlDbType.Integer, limit + 1)}",
                parameters.Values
            )
        );
        if (withTotal)
        {
            var counted = new QueryParameters();
            // Page and total stay below the 30 seconds after which Npgsql gives up on the server.
            _statements.Add(new Statement("select set_config('statement_timeout', '10s', true)"));
            _statements.Add(
                new Statement(
                    $"select count(*) from (select from {table.QualifiedName} r "
                        + $"where {Where(filters, counted, now, new FilterSize())} limit {MaxCounted + 1}) counted",
                    counted.Values
                )
            );
        }
    }

    /// <summary>What <see cref="RunAsync"/> runs.</summary>
    public IReadOnlyList<Statement> Statements => _statements;

    /// <summary>What an index could serve; null when there is nothing.</summary>
    public SearchShape? Shape { get; }

    /// <summary>How long the database took, without the time that the query waited for its turn.</summary>
    public TimeSpan Took { get; private set; }

    /// <summary>One round trip: what the process knows of the table is checked, the page read, and counted if asked for.</summary>
    /// <param name="begin">A page of at most so many records. A query that runs again begins another one.</param>
    /// <exception cref="StaleSchemaException">The table has changed; the query must be built again.</exception>
    /// <exception cref="Grpc.Core.RpcException">QUERY_TOO_SLOW, or TOO_MANY_HEAVY_QUERIES.</exception>
    public async Task<PageInfo> RunAsync(UnitOfWork work, ServerCallContext context, TimeProvider time, Func<int, Page<Record>> begin)
    {
        var began = time.GetTimestamp();
        var page = await HeavyQueries.WaitAsync(
            () =>
            {
                began = time.GetTimestamp();
                return work.ReadAsync(
                    context.Call(),
                    _session,
                    reader => ReadAsync(reader, begin(_limit)),
                    context.CancellationToken,
                    _statements
                );
            },
            time,
            context.CancellationToken
        );
        Took = time.GetElapsedTime(began);
        return page;
    }

    private async Task<PageInfo> ReadAsync(NpgsqlDataReader reader, Page<Record> page)
    {
        if (_isHeavy)
        {
            await reader.NextResultAsync();
        }

        await TableEntry.CheckAsync(reader, _table);
        while (await reader.ReadAsync())
        {
            string?[] keys =
            [
                .. Enumerable
                    .Range(_rows.Count, _keys.Count)
                    .Select(ordinal => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal)),
            ];
            if (!page.TryAdd(_rows.Read(reader), () => _cursors.Seal(_identity, keys)))
            {
                break;
            }
        }

        if (_withTotal)
        {
            await reader.NextResultAsync();
            await reader.NextResultAsync();
            await reader.ReadAsync();
            var counted = reader.GetInt64(0);
            page.Info.Total = Math.Min(counted, MaxCounted);
            page.Info.TotalKind = counted > MaxCounted ? "at_least" : "exact";
        }

        return page.Info;
    }

    // A cursor belongs to the query that it came from. Page size and returned fields may differ from page to page.
    private static byte[] IdentityOf(TableSchema table, List<(string Path, Json Filter)> filters, IReadOnlyList<Sorting> sorting)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(table.Id.ToByteArray());
        hash.AppendData(
            Encoding.UTF8.GetBytes(string.Join('\0', sorting.Select(sort => $"{sort.SortingField}\0{sort.SortType}")) + "\0\0")
        );
        foreach (var (path, filter) in filters)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(path + "\0"));
            hash.AppendData(filter.Utf8.Span);
        }

        return hash.GetHashAndReset()[..16];
    }

    private string Where(
        List<(string Path, Json Filter)> filters,
        QueryParameters parameters,
        DateTimeOffset now,
        FilterSize size,
        List<ShapePart>? compared = null
    ) =>
        "r.deleted_at is null"
        + string.Concat(
            filters.Select(one => $" and ({FilterCompiler.Compile(_table, one.Filter.Utf8, parameters, now, size, one.Path, compared)})")
        );

    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: a key that is not a field, or has no order.</exception>
    public static void CheckSorting(TableSchema table, IReadOnlyList<Sorting> sorting)
    {
        var violations = new List<Violation>();
        for (var i = 0; i < sorting.Count; i++)
        {
            var field = table.FindAny(sorting[i].SortingField);
            if (field is not { Kind.CanSort: true })
            {
                violations.Add(
                    new Violation
                    {
                        Field = $"sorting[{i}].sortingField",
                        Rule = field is null
                            ? $"{sorting[i].SortingField} is not a field of the table"
                            : $"{field.Name} is of type {field.Kind.Name}, which has no order",
                        Fix = field is null ? table.KnownFields(withSystem: true) : "Sort by another field.",
                    }
                );
            }
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }
    }

    private List<ShapePart> AddKeys(IReadOnlyList<Sorting> sorting, QueryParameters parameters)
    {
        CheckSorting(_table, sorting);
        var parts = new List<ShapePart>();
        foreach (var sort in sorting)
        {
            var field = _table.FindAny(sort.SortingField)!;
            var key = field.Kind.Sort($"r.{field.Column}", field, parameters);
            _keys.Add((key, sort.SortType == "DESC"));
            parts.Add(
                ShapePart.Of(
                    key.Sql == "r.id" ? SystemFields.Id : field,
                    sort.SortType == "DESC" ? ShapeUse.Descending : ShapeUse.Ascending
                )
            );
        }

        // The id ends every order, so that no two records are equal in it. Sorting keys behind the id do not matter.
        var id = _keys.FindIndex(key => key.Key.Sql == "r.id");
        if (id >= 0)
        {
            _keys.RemoveRange(id + 1, _keys.Count - id - 1);
            parts.RemoveRange(id + 1, parts.Count - id - 1);
        }
        else
        {
            _keys.Add((SystemFields.Id.Kind.Sort("r.id", SystemFields.Id, parameters), false));
        }

        return parts;
    }

    private string After(IReadOnlyList<string?>? last, QueryParameters parameters)
    {
        if (last is null)
        {
            return "";
        }

        var alternatives = new List<string>();
        var equal = "";
        foreach (var ((key, descending), value) in _keys.Zip(last))
        {
            if (value is null)
            {
                // Only other empty values come after an empty value.
                equal += $"{key.Sql} is null and ";
                continue;
            }

            var parameter = parameters.AddText(value) + key.Cast;
            var behind = $"{key.Sql} {(descending ? "<" : ">")} {parameter}";
            alternatives.Add(equal + (key.NeverNull ? behind : $"({behind} or {key.Sql} is null)"));
            equal += $"{key.Sql} = {parameter} and ";
        }

        return $" and ({string.Join(" or ", alternatives.Select(alternative => $"({alternative})"))})";
    }
}
