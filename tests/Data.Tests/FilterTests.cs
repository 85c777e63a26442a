using System.Text;
using System.Text.Json;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class FilterTests(FilterTests.Fixture data) : IClassFixture<FilterTests.Fixture>
{
    /// <summary>Today is a Friday, so that weeks, months and quarters differ.</summary>
    private static readonly DateTime _today = new(2026, 11, 20, 0, 0, 0, DateTimeKind.Utc);

    // Record by record: a, b, c, d, e; e is empty but for its key.
    private static readonly string[] _rows =
    [
        """{"Text":"a","Long":"Straße ÄPFEL","Number":1,"Checkbox":true,"Select":"Red","Multi":"""
            + """["Red"],"Date":"2026-11-20","Moment":"2026-11-20T08:00:00Z","Email":"a@x.example","Url":"https://a.example"}""",
        """{"Text":"b","Long":"50% off_now","Number":2.5,"Checkbox":false,"Select":"Green","Multi":"""
            + """["Red","Green"],"Date":"2026-11-16","Moment":"2026-11-16T00:00:00Z","Email":"b@x.example","Url":"https://b.example"}""",
        """{"Text":"c","Long":"50x offxnow","Number":-3,"Checkbox":true,"Select":"Blue","Multi":["Green","Blue"]"""
            + ""","Date":"2026-10-31","Moment":"2026-10-31T23:59:59.999999Z","Email":"c@y.example","Url":"http://c.example"}""",
        """{"Text":"d","Long":"back\\slash","Number":"12345678901234567890.5","Select":"Red","Multi":["Blue","Red","Green"]"""
            + ""","Date":"2025-11-20","Moment":"2027-01-01T00:00:00Z","Email":"d@y.example","Url":"https://d.example"}""",
        """{"Text":"e"}""",
    ];

    public static TheoryData<string, string, string, string> Conditions =>
        new()
        {
            // operator, field, operands, the records found
            { "IS", "Text", "'a'", "a" },
            { "IS", "Text", "'A'", "" },
            { "IS_NOT", "Text", "'a'", "bcde" },
            { "CONTAINS", "Long", "'OFF'", "bc" },
            { "CONTAINS", "Long", "'äpf'", "a" },
            { "CONTAINS", "Long", "'STRASSE'", "" },
            { "CONTAINS", "Long", "'straße'", "a" },
            { "CONTAINS", "Long", "'50%'", "b" },
            { "CONTAINS", "Long", "'f_n'", "b" },
            { "CONTAINS", "Long", "'\\\\'", "d" },
            { "DOES_NOT_CONTAIN", "Long", "'off'", "ade" },
            { "STARTS_WITH", "Long", "'50'", "bc" },
            { "DOES_NOT_START_WITH", "Long", "'50'", "ade" },
            { "STARTS_WITH", "Long", "'%'", "" },
            { "ENDS_WITH", "Long", "'NOW'", "bc" },
            { "DOES_NOT_END_WITH", "Long", "'now'", "ade" },
            { "ENDS_WITH", "Long", "'_now'", "b" },
            { "IS_ONE_OF", "Text", "['a','c','zz']", "ac" },
            { "IS_NOT_ONE_OF", "Text", "['a','c']", "bde" },
            { "IS_ONE_OF", "Text", "'a'", "a" },
            { "IS_EMPTY", "Long", "", "e" },
            { "IS_NOT_EMPTY", "Long", "", "abcd" },
            { "IS", "Email", "'a@x.example'", "a" },
            { "ENDS_WITH", "Email", "'@X.example'", "ab" },
            { "STARTS_WITH", "Url", "'https:'", "abd" },
            { "IS_EMPTY", "Url", "", "e" },
            { "IS", "Number", "2.50", "b" },
            { "IS_NOT", "Number", "1", "bcde" },
            { "GREATER_THAN", "Number", "1", "bd" },
            { "GREATER_THAN_OR_EQUALS", "Number", "1", "abd" },
            { "LESS_THAN", "Number", "1", "c" },
            { "LESS_THAN_OR_EQUALS", "Number", "1", "ac" },
            { "IS", "Number", "'12345678901234567890.5'", "d" },
            { "IS", "Number", "'12345678901234567890.4'", "" },
            { "IS_BETWEEN", "Number", "1..2.5", "ab" },
            { "IS_NOT_BETWEEN", "Number", "1..2.5", "cde" },
            { "IS_BETWEEN", "Number", "1..1.0", "a" },
            { "IS_BETWEEN", "Number", "-10..-2.9", "c" },
            { "IS_ONE_OF", "Number", "[1,-3.0]", "ac" },
            { "IS_NOT_ONE_OF", "Number", "[1,-3]", "bde" },
            { "IS_EMPTY", "Number", "", "e" },
            { "IS_NOT_EMPTY", "Number", "", "abcd" },
            { "GREATER_THAN", "Number", "-1e1", "abcd" },
            { "IS", "Checkbox", "true", "ac" },
            { "IS", "Checkbox", "false", "bde" },
            { "IS_NOT", "Checkbox", "true", "bde" },
            { "IS_EMPTY", "Checkbox", "", "de" },
            { "IS_NOT_EMPTY", "Checkbox", "", "abc" },
            { "IS", "Select", "'Red'", "ad" },
            { "IS_NOT", "Select", "'Red'", "bce" },
            { "IS_ONE_OF", "Select", "['Red','Blue']", "acd" },
            { "IS_NOT_ONE_OF", "Select", "['Red','Blue']", "be" },
            { "CONTAINS", "Select", "'RE'", "abd" },
            { "DOES_NOT_CONTAIN", "Select", "'re'", "ce" },
            { "STARTS_WITH", "Select", "'re'", "ad" },
            { "ENDS_WITH", "Select", "'N'", "b" },
            { "IS_EMPTY", "Select", "", "e" },
            { "HAS_ANY_OF", "Multi", "['Red','Blue']", "abcd" },
            { "HAS_ALL_OF", "Multi", "['Red','Green']", "bd" },
            { "HAS_NONE_OF", "Multi", "['Red']", "ce" },
            { "HAS_ANY_OF", "Multi", "'Blue'", "cd" },
            { "IS", "Multi", "['Green','Red']", "b" },
            { "IS_NOT", "Multi", "['Red']", "bcde" },
            { "CONTAINS", "Multi", "'blu'", "cd" },
            { "IS_EMPTY", "Multi", "", "e" },
            { "IS_NOT_EMPTY", "Multi", "", "abcd" },
            { "IS", "Date", "'2026-11-20'", "a" },
            { "IS_NOT", "Date", "'2026-11-20'", "bcde" },
            { "GREATER_THAN", "Date", "'2026-11-16'", "a" },
            { "GREATER_THAN_OR_EQUALS", "Date", "'2026-11-16'", "ab" },
            { "LESS_THAN", "Date", "'2026-10-31'", "d" },
            { "LESS_THAN_OR_EQUALS", "Date", "'2026-10-31'", "cd" },
            { "LESS_THAN_OR_EQUALS", "Date", "'9999-12-31'", "abcd" },
            { "IS_BETWEEN", "Date", "'2026-10-31'..'2026-11-16'", "bc" },
            { "IS_NOT_BETWEEN", "Date", "'2026-10-31'..'2026-11-16'", "ade" },
            { "IS_ONE_OF", "Date", "['2026-11-20','2025-11-20']", "ad" },
            { "IS", "Date", "'PREDEFINED:TODAY'", "a" },
            { "IS", "Date", "'PREDEFINED:THIS_WEEK'", "ab" },
            { "IS", "Date", "'PREDEFINED:LAST_MONTH'", "c" },
            { "IS", "Date", "'PREDEFINED:PAST_YEAR'", "d" },
            { "IS", "Date", "'PREDEFINED:4_DAYS_AGO'", "b" },
            { "LESS_THAN", "Date", "'PREDEFINED:THIS_QUARTER'", "d" },
            { "LESS_THAN", "Date", "'PREDEFINED:30_DAYS_FROM_NOW'", "abcd" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:PAST:7'", "ab" },
            { "IS_NOT_WITHIN", "Date", "'RELATIVE_DATE:PAST:7'", "cde" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:PAST:5'", "ab" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:PAST:4'", "a" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:PAST:1'", "a" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:NEXT:1'", "a" },
            { "IS_WITHIN", "Moment", "'RELATIVE_DATE:NEXT:42'", "a" },
            { "IS_WITHIN", "Moment", "'RELATIVE_DATE:NEXT:43'", "ad" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:THIS:MONTH'", "ab" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:PAST:MONTH'..'PREDEFINED:TODAY'", "abc" },
            { "IS_WITHIN", "Date", "'RELATIVE_DATE:PAST:30'..'RELATIVE_DATE:NEXT:7'", "abc" },
            { "IS_EMPTY", "Date", "", "e" },
            { "IS_NOT_EMPTY", "Date", "", "abcd" },
            { "IS", "Moment", "'2026-11-20T09:00:00+01:00'", "a" },
            { "IS", "Moment", "'2026-10-31T23:59:59.999999Z'", "c" },
            { "IS", "Moment", "'2026-11-20'", "a" },
            { "GREATER_THAN", "Moment", "'2026-11-16T00:00:00Z'", "ad" },
            { "GREATER_THAN_OR_EQUALS", "Moment", "'2026-11-16T00:00:00Z'", "abd" },
            { "GREATER_THAN", "Moment", "'2026-11-20'", "d" },
            { "LESS_THAN", "Moment", "'2026-11-16'", "c" },
            { "LESS_THAN_OR_EQUALS", "Moment", "'2026-11-16'", "bc" },
            { "LESS_THAN_OR_EQUALS", "Moment", "'2026-11-16T00:00:00Z'", "bc" },
            { "IS_BETWEEN", "Moment", "'2026-10-31'..'2026-11-16'", "bc" },
            { "IS_WITHIN", "Moment", "'RELATIVE_DATE:NEXT:YEAR'", "d" },
            { "IS_WITHIN", "Moment", "'RELATIVE_DATE:NEXT:QUARTER'", "d" },
            { "IS", "Moment", "'PREDEFINED:YESTERDAY'", "" },
            { "IS_EMPTY", "Moment", "", "e" },
            { "IS", "createdAt", "'PREDEFINED:TODAY'", "abcde" },
            { "GREATER_THAN", "createdAt", "'PREDEFINED:TODAY'", "" },
            { "LESS_THAN", "createdAt", "'PREDEFINED:TODAY'", "" },
            { "IS_BETWEEN", "createdAt", "'PREDEFINED:YESTERDAY'..'PREDEFINED:TODAY'", "abcde" },
            { "IS_NOT_EMPTY", "createdAt", "", "abcde" },
            { "IS_WITHIN", "updatedAt", "'RELATIVE_DATE:THIS:WEEK'", "abcde" },
            { "IS", "version", "1", "abcde" },
            { "IS_NOT_EMPTY", "createdBy", "", "abcde" },
        };

    public static TheoryData<string, string> Refusals =>
        new()
        {
            { "[]", "filter" },
            { "{", "filter" },
            { "\"x\"", "filter" },
            { "{}", "filter.operator" },
            { """{"operator":"EQUALS","leftSide":"Text","rightSide":"a"}""", "filter.operator" },
            { """{"operator":"is","leftSide":"Text","rightSide":"a"}""", "filter.operator" },
            { """{"condition":{"operator":"IS"}}""", "filter.operator" },
            { """{"operator":"AND"}""", "filter.conditions" },
            { """{"operator":"AND","conditions":[]}""", "filter.conditions" },
            { """{"operator":"AND","conditions":{}}""", "filter.conditions" },
            { """{"operator":"AND","conditions":[1]}""", "filter.conditions[0]" },
            { """{"operator":"IS","leftSide":"Nope","rightSide":1}""", "filter.leftSide" },
            { """{"operator":"IS","leftSide":{},"rightSide":1}""", "filter.leftSide" },
            { """{"operator":"IS","leftSide":"Text"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Text","rightSide":"a","extra":1}""", "filter.extra" },
            { """{"operator":"IS_EMPTY","leftSide":"Text","rightSide":"a"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Text","leftSide":"Long","rightSide":"a"}""", "filter.leftSide" },
            { """{"operator":"GREATER_THAN","leftSide":"Text","rightSide":"a"}""", "filter.operator" },
            { """{"operator":"HAS_ANY_OF","leftSide":"Select","rightSide":["Red"]}""", "filter.operator" },
            { """{"operator":"IS","leftSide":"Number","rightSide":"one"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Checkbox","rightSide":"yes"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Select","rightSide":"Pink"}""", "filter.rightSide" },
            { """{"operator":"IS_ONE_OF","leftSide":"Text","rightSide":[]}""", "filter.rightSide" },
            { """{"operator":"IS_ONE_OF","leftSide":"Text","rightSide":["a",1]}""", "filter.rightSide[1]" },
            { """{"operator":"IS","leftSide":"Text","rightSide":""}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Text","rightSide":null}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Text","rightSide":"\u0000"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Text","rightSide":"\ud800"}""", "filter.rightSide" },
            { """{"operator":"IS_BETWEEN","leftSide":"Number","lowerBound":1}""", "filter.upperBound" },
            { """{"operator":"IS_BETWEEN","leftSide":"Number","lowerBound":2,"upperBound":1}""", "filter.lowerBound" },
            { """{"operator":"IS_BETWEEN","leftSide":"Number","lowerBound":-1,"upperBound":-1.5}""", "filter.lowerBound" },
            { """{"operator":"IS_BETWEEN","leftSide":"Number","lowerBound":0.1,"upperBound":1e-2}""", "filter.lowerBound" },
            { """{"operator":"IS_NOT_BETWEEN","leftSide":"Number","lowerBound":"1e20","upperBound":7}""", "filter.lowerBound" },
            { """{"operator":"IS_BETWEEN","leftSide":"Date","lowerBound":"2026-02-02","upperBound":"2026-02-01"}""", "filter.lowerBound" },
            {
                """{"operator":"IS_WITHIN","leftSide":"Date","lowerBound":"PREDEFINED:TODAY","upperBound":"2026-02-01"}""",
                "filter.lowerBound"
            },
            { """{"operator":"IS","leftSide":"Moment","rightSide":"2026-02-01T10:00:00.1234567Z"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Date","rightSide":"2026-02-30"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Date","rightSide":"2026-02-03T10:00:00Z"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Date","rightSide":"PREDEFINED:SOMEDAY"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"Date","rightSide":"RELATIVE_DATE:PAST:DECADE"}""", "filter.rightSide" },
            { """{"operator":"IS","leftSide":"id","rightSide":"rec_x"}""", "filter.rightSide" },
            { """{"operator":"CONTAINS","leftSide":"id","rightSide":"x"}""", "filter.operator" },
            { """{"operator":"IS","leftSide":"Number","rightSide":1e999}""", "filter.rightSide" },
        };

    [Theory]
    [MemberData(nameof(Conditions))]
    public async Task The_operator_finds(string name, string field, string operands, string expected) =>
        Assert.Equal(expected, await data.FindAsync(Condition(name, field, operands)));

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task What_is_no_filter_is_refused_and_told_what_would_be(string filter, string field)
    {
        var problem = await data
            .Records.SearchRecordsAsync(
                new SearchRecordsRequest { TableId = data.Table.Id, Filter = DataFixture.Json(filter) },
                data.As(data.Caller)
            )
            .ProblemAsync();
        Assert.Equal("INVALID_ARGUMENT", problem.Reason);
        Assert.Equal(field, problem.Violations[0].Field);
        Assert.NotEmpty(problem.Violations[0].Fix);
    }

    [Fact]
    public async Task Conditions_nest_and_every_fault_in_them_is_named_at_once()
    {
        Assert.Equal(
            "ad",
            await data.FindAsync(
                """
                {"operator":"OR","conditions":[
                    {"operator":"AND","conditions":[{"operator":"IS","leftSide":"Select","rightSide":"Red"},
                        {"operator":"LESS_THAN","leftSide":"Number","rightSide":2}]},
                    {"operator":"HAS_ALL_OF","leftSide":"Multi","rightSide":["Red","Green","Blue"]}]}
                """
            )
        );
        var problem = await data
            .Records.SearchRecordsAsync(
                new SearchRecordsRequest
                {
                    TableId = data.Table.Id,
                    Filter = DataFixture.Json(
                        """{"operator":"AND","conditions":[{"operator":"NO"},{"operator":"OR","conditions":["""
                            + """{"operator":"IS","leftSide":"Nope","rightSide":1}]}]}"""
                    ),
                    Sorting = { new Sorting { SortingField = "Text" } },
                },
                data.As(data.Caller)
            )
            .ProblemAsync();
        Assert.Equal(
            ["filter.conditions[0].operator", "filter.conditions[1].conditions[0].leftSide"],
            problem.Violations.Select(violation => violation.Field)
        );
        Assert.Contains("IS_BETWEEN", problem.Violations[0].Fix, StringComparison.Ordinal);
        Assert.Contains("createdAt", problem.Violations[1].Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_deep_or_too_many_is_refused()
    {
        const string leaf = """{"operator":"IS_EMPTY","leftSide":"Text"}""";
        var deep = Enumerable.Range(0, 8).Aggregate(leaf, (inner, _) => $$"""{"operator":"AND","conditions":[{{inner}}]}""");
        var many = $$"""{"operator":"OR","conditions":[{{string.Join(',', Enumerable.Repeat(leaf, 101))}}]}""";
        foreach (var filter in new[] { deep, many, string.Concat(Enumerable.Repeat("[", 100)) })
        {
            Assert.Equal(
                "INVALID_ARGUMENT",
                (
                    await data
                        .Records.SearchRecordsAsync(
                            new SearchRecordsRequest { TableId = data.Table.Id, Filter = DataFixture.Json(filter) },
                            data.As(data.Caller)
                        )
                        .ProblemAsync()
                ).Reason
            );
        }
    }

    [Fact]
    public async Task The_id_of_a_record_is_a_filter_and_by_creation_time_each_is_found()
    {
        var all = (await data.SearchAsync(data.Caller, data.Table)).Records;
        Assert.Equal("b", await data.FindAsync(Condition("IS", "id", $"'{all[1].Id}'")));
        Assert.Equal("acde", await data.FindAsync(Condition("IS_NOT_ONE_OF", "id", $"['{all[1].Id}']")));
        var at = all[0].CreatedAt.ToDateTime();
        Assert.Equal("abcde", await data.FindAsync(Condition("IS", "createdAt", $"'{at:yyyy-MM-ddTHH:mm:ss.ffffff}Z'")));
        Assert.Equal("", await data.FindAsync(Condition("GREATER_THAN", "createdAt", $"'{at:yyyy-MM-ddTHH:mm:ss.ffffff}Z'")));
        Assert.Equal(
            "abcde",
            await data.FindAsync(Condition("GREATER_THAN", "createdAt", $"'{at.AddMicroseconds(-1):yyyy-MM-ddTHH:mm:ss.ffffff}Z'"))
        );
        Assert.Equal("", await data.FindAsync(Condition("LESS_THAN", "createdAt", $"'{at:yyyy-MM-ddTHH:mm:ss.ffffff}Z'")));
    }

    [Theory]
    [InlineData("'; drop table x; --")]
    [InlineData("\" or 1=1 --")]
    [InlineData("$1 $$ \\ \\' %s {0} %")]
    [InlineData("שלום مرحبا \u202e reversed")]
    [InlineData("😀👩‍👩‍👧‍👧 é é")]
    [InlineData("a name of exactly sixty-three bytes which PostgreSQL would keep 1")]
    [InlineData("a name of exactly sixty-four bytes which PostgreSQL would cut off 12")]
    [InlineData("select")]
    public async Task Text_of_users_is_never_sql_be_it_name_choice_or_value(string text)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of(text, FieldType.Text),
            DataFixture.Of(text + "2", FieldType.Select, text)
        );
        var encoded = JsonSerializer.Serialize(text);
        var second = JsonSerializer.Serialize(text + "2");
        await data.CreateRecordsAsync(owner, table, $$"""{ {{encoded}}: {{encoded}}, {{second}}: {{encoded}} }""", "{}");
        foreach (var operation in new[] { "IS", "CONTAINS", "STARTS_WITH", "ENDS_WITH" })
        {
            foreach (var field in new[] { encoded, second })
            {
                var found = await data.SearchAsync(
                    owner,
                    table,
                    $$"""{"operator":"{{operation}}","leftSide":{{field}},"rightSide":{{encoded}}}""",
                    new Sorting { SortingField = text }
                );
                var fields = JsonDocument.Parse(Assert.Single(found.Records).Fields.Utf8.Memory).RootElement;
                Assert.Equal((text, text), (fields.GetProperty(text).GetString(), fields.GetProperty(text + "2").GetString()));
            }
        }
    }

    // 'text' for JSON strings, [..] for arrays, x..y for bounds.
    private static string Condition(string name, string field, string operands)
    {
        var json = operands.Replace('\'', '"');
        var text = new StringBuilder($$"""{"operator":"{{name}}","leftSide":"{{field}}" """);
        text.Append(
            json.Length == 0 ? ""
            : json.Split("..") is [var lower, var upper] ? $",\"lowerBound\":{lower},\"upperBound\":{upper}"
            : $",\"rightSide\":{json}"
        );
        return text.Append('}').ToString();
    }

    public sealed class Fixture(PostgresFixture postgres) : DataFixture(postgres)
    {
        public TestCaller Caller { get; } = Owner();

        public Table Table { get; private set; } = null!;

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Clock.Advance(_today.AddHours(12) - DateTime.UtcNow);
            Table = await CreateTableOfAllTypesAsync(Caller);
            await CreateRecordsAsync(Caller, Table, _rows);
        }

        /// <summary>The keys of what is found, in order of creation.</summary>
        public async Task<string> FindAsync(string filter) =>
            string.Concat(
                (await SearchAsync(Caller, Table, filter)).Records.Select(record =>
                    JsonDocument.Parse(record.Fields.Utf8.Memory).RootElement.GetProperty("Text").GetString()
                )
            );
    }
}
