using System.Text.Json;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class PagingTests(PagingTests.Fixture data) : IClassFixture<PagingTests.Fixture>
{
    private const int Count = 23;

    public static TheoryData<string, string> Orders
    {
        get
        {
            var orders = new TheoryData<string, string>();
            foreach (
                var key in new[]
                {
                    "Text",
                    "Long",
                    "Number",
                    "Checkbox",
                    "Select",
                    "Multi",
                    "Date",
                    "Moment",
                    "Email",
                    "Url",
                    "id",
                    "createdAt",
                    "updatedAt",
                    "version",
                }
            )
            {
                orders.Add(key, "ASC");
                orders.Add(key, "DESC");
            }

            return orders;
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task Page_by_page_is_the_same_as_all_at_once_with_equal_and_with_empty_keys(string field, string direction)
    {
        var sorting = new Sorting { SortingField = field, SortType = direction };
        var whole = (await data.SearchAsync(data.Caller, data.Table, null, sorting)).Records.Select(record => record.Id).ToList();
        Assert.Equal(Count, whole.Distinct().Count());
        Assert.Equal(whole, await WalkAsync(sorting));
        if (data.Table.Fields.Any(one => one.Name == field))
        {
            var empty = (await data.SearchAsync(data.Caller, data.Table, $$"""{"operator":"IS_EMPTY","leftSide":"{{field}}"}"""))
                .Records.Select(record => record.Id)
                .ToHashSet();
            Assert.NotEmpty(empty);
            Assert.Equal(empty, whole.Skip(Count - empty.Count).ToHashSet());
        }
    }

    [Fact]
    public async Task Several_keys_page_as_well() =>
        Assert.Equal(
            (
                await data.SearchAsync(data.Caller, data.Table, null, By("Select", "DESC"), By("Checkbox", "ASC"), By("Text", "DESC"))
            ).Records.Select(record => record.Id),
            await WalkAsync(By("Select", "DESC"), By("Checkbox", "ASC"), By("Text", "DESC"))
        );

    [Fact]
    public async Task Text_is_in_the_order_of_people_numbers_of_value_and_choices_as_arranged()
    {
        Assert.Equal(["Ähre", "apfel", "Apfel", "Birne", "zebra"], (await ValuesAsync("Text", "ASC")).Distinct());
        Assert.Equal(["-2", "3", "10"], (await ValuesAsync("Number", "ASC")).Distinct());
        Assert.Equal(["Red", "Green", "Blue"], (await ValuesAsync("Select", "ASC")).Distinct());
        Assert.Equal(["Blue", "Green", "Red"], (await ValuesAsync("Select", "DESC")).Distinct());
    }

    [Fact]
    public async Task What_is_added_or_deleted_between_pages_shifts_nothing()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        await data.CreateRecordsAsync(owner, table, [.. Enumerable.Range(1, 9).Select(n => $$"""{"N":{{n * 10}}}""")]);
        var request = new SearchRecordsRequest
        {
            TableId = table.Id,
            Limit = 3,
            Sorting = { By("N", "ASC") },
        };
        var first = await data.Records.SearchRecordsAsync(request, data.As(owner));
        await data.CreateRecordsAsync(owner, table, """{"N":5}""", """{"N":35}""");
        request.Cursor = first.Page.NextCursor;
        var second = await data.Records.SearchRecordsAsync(request, data.As(owner));
        Assert.Equal(["""{"N":35}""", """{"N":40}""", """{"N":50}"""], second.Records.Select(record => record.Fields.Utf8.ToStringUtf8()));
    }

    [Fact]
    public async Task A_cursor_of_another_query_or_a_damaged_one_is_refused()
    {
        var request = new SearchRecordsRequest
        {
            TableId = data.Table.Id,
            Limit = 3,
            Sorting = { By("Text", "ASC") },
        };
        var cursor = (await data.Records.SearchRecordsAsync(request, data.As(data.Caller))).Page.NextCursor;
        foreach (
            var (filter, direction, used) in new[]
            {
                ("""{"operator":"IS_EMPTY","leftSide":"Text"}""", "ASC", cursor),
                ("", "DESC", cursor),
                ("", "ASC", cursor[..^2]),
                ("", "ASC", "x"),
                ("", "ASC", "%%%"),
            }
        )
        {
            var other = new SearchRecordsRequest
            {
                TableId = data.Table.Id,
                Limit = 3,
                Sorting = { By("Text", direction) },
                Cursor = used,
            };
            if (filter.Length > 0)
            {
                other.Filter = DataFixture.Json(filter);
            }

            Assert.Equal(
                "cursor",
                Assert.Single((await data.Records.SearchRecordsAsync(other, data.As(data.Caller)).ProblemAsync()).Violations).Field
            );
        }
    }

    [Fact]
    public async Task An_unknown_sort_key_and_a_page_too_large_are_refused()
    {
        var request = new SearchRecordsRequest { TableId = data.Table.Id, Sorting = { By("Text", "ASC"), By("Nope", "ASC") } };
        var unknown = Assert.Single((await data.Records.SearchRecordsAsync(request, data.As(data.Caller)).ProblemAsync()).Violations);
        Assert.Equal("sorting[1].sortingField", unknown.Field);
        Assert.Contains("updatedAt", unknown.Fix, StringComparison.Ordinal);
        Assert.Equal(
            "limit",
            Assert
                .Single(
                    (
                        await data
                            .Records.SearchRecordsAsync(
                                new SearchRecordsRequest { TableId = data.Table.Id, Limit = 201 },
                                data.As(data.Caller)
                            )
                            .ProblemAsync()
                    ).Violations
                )
                .Field
        );
        Assert.Equal(
            "sorting[0].sortType",
            Assert
                .Single(
                    (
                        await data
                            .Records.SearchRecordsAsync(
                                new SearchRecordsRequest { TableId = data.Table.Id, Sorting = { By("Text", "down") } },
                                data.As(data.Caller)
                            )
                            .ProblemAsync()
                    ).Violations
                )
                .Field
        );
    }

    [Fact]
    public async Task The_total_is_of_all_that_match_and_says_that_it_is_exact()
    {
        var request = new SearchRecordsRequest
        {
            TableId = data.Table.Id,
            Limit = 2,
            IncludeTotal = true,
            Filter = DataFixture.Json("""{"operator":"IS_NOT_EMPTY","leftSide":"Checkbox"}"""),
        };
        var found = await data.Records.SearchRecordsAsync(request, data.As(data.Caller));
        var all = await data.SearchAsync(data.Caller, data.Table, """{"operator":"IS_NOT_EMPTY","leftSide":"Checkbox"}""");
        Assert.Equal((all.Records.Count, "exact", true), (found.Page.Total, found.Page.TotalKind, found.Page.HasMore));
        Assert.False(all.Page.HasTotal);
    }

    [Fact]
    public async Task A_total_beyond_what_is_counted_says_at_least()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        await data.ExecuteAsync(
            $"""
            insert into {DataFixture.NameOf(owner, table)} (id, version, created_at, created_by, updated_at, updated_by)
            select gen_random_uuid(), 1, now(), 'test', now(), 'test' from generate_series(1, 100001)
            """
        );
        var listed = await data.Records.ListRecordsAsync(
            new ListRecordsRequest
            {
                TableId = table.Id,
                Limit = 1,
                IncludeTotal = true,
            },
            data.As(owner)
        );
        Assert.Equal((100_000, "at_least", true), (listed.Page.Total, listed.Page.TotalKind, listed.Page.HasMore));
        var found = await data.Records.SearchRecordsAsync(
            new SearchRecordsRequest
            {
                TableId = table.Id,
                Limit = 1,
                IncludeTotal = true,
                Filter = DataFixture.Json("""{"operator":"IS_EMPTY","leftSide":"N"}"""),
            },
            data.As(owner)
        );
        Assert.Equal((100_000, "at_least"), (found.Page.Total, found.Page.TotalKind));
    }

    private static Sorting By(string field, string direction) => new() { SortingField = field, SortType = direction };

    private async Task<List<string>> WalkAsync(params Sorting[] sorting)
    {
        var walked = new List<string>();
        var request = new SearchRecordsRequest
        {
            TableId = data.Table.Id,
            Limit = 3,
            Sorting = { sorting },
        };
        SearchRecordsResponse page;
        do
        {
            page = await data.Records.SearchRecordsAsync(request, data.As(data.Caller));
            Assert.InRange(page.Records.Count, 1, 3);
            walked.AddRange(page.Records.Select(record => record.Id));
            request.Cursor = page.Page.NextCursor;
        } while (page.Page.HasMore);
        return walked;
    }

    private async Task<IEnumerable<string>> ValuesAsync(string field, string direction) =>
        (
            await data.SearchAsync(
                data.Caller,
                data.Table,
                $$"""{"operator":"IS_NOT_EMPTY","leftSide":"{{field}}"}""",
                By(field, direction)
            )
        ).Records.Select(record => JsonDocument.Parse(record.Fields.Utf8.Memory).RootElement.GetProperty(field).ToString());

    public sealed class Fixture(PostgresFixture postgres) : DataFixture(postgres)
    {
        private static readonly string[] _texts = ["zebra", "apfel", "Ähre", "Apfel", "Birne"];
        private static readonly string[] _choices = ["Blue", "Red", "Green"];

        public TestCaller Caller { get; } = Owner();

        public Table Table { get; private set; } = null!;

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Table = await CreateTableOfAllTypesAsync(Caller);
            for (var i = 0; i < Count; i++)
            {
                await CreateRecordAsync(
                    Caller,
                    Table,
                    i % 4 == 3
                        ? "{}"
                        : JsonSerializer.Serialize(
                            new
                            {
                                Text = _texts[i % 5],
                                Long = _texts[i % 2],
                                Number = new[] { 3, -2, 10 }[i % 3],
                                Checkbox = i % 2 == 0,
                                Select = _choices[i % 3],
                                Multi = new[] { _choices[i % 3], _choices[(i + 1) % 3] },
                                Date = $"2026-0{i % 3 + 1}-01",
                                Moment = $"2026-0{i % 3 + 1}-01T00:00:00.{i % 2}23456Z",
                                Email = $"{_texts[i % 2]}@example.com",
                                Url = $"https://{i % 3}.example",
                            }
                        )
                );
            }
        }
    }
}
