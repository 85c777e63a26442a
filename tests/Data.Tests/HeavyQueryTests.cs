using System.Text.Json;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

/// <summary>What a search may ask of the database for each record, and how many costly searches run at a time.</summary>
public sealed class HeavyQueryTests(HeavyQueryTests.Fixture data) : IClassFixture<HeavyQueryTests.Fixture>
{
    private static readonly string[] _needleOperators =
    [
        "CONTAINS",
        "DOES_NOT_CONTAIN",
        "STARTS_WITH",
        "DOES_NOT_START_WITH",
        "ENDS_WITH",
        "DOES_NOT_END_WITH",
    ];

    [Fact]
    public async Task A_text_to_look_for_has_at_most_200_characters_whatever_looks_for_it()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        await LinkAsync(owner, table);
        foreach (var field in new[] { "Text", "Long", "Email", "Url", "Select", "Multi", "Link", "Linked", "createdBy" })
        {
            foreach (var operation in field is "Multi" or "Link" or "Linked" ? _needleOperators[..2] : _needleOperators)
            {
                var problem = await RefusedAsync(owner, table, Condition(operation, field, new string('ä', 201)));
                Assert.Equal(
                    ("filter.rightSide", "is 201 characters long", "Look for at most 200 characters."),
                    (problem.Violations[0].Field, problem.Violations[0].Rule, problem.Violations[0].Fix)
                );
                await data.SearchAsync(owner, table, Condition(operation, field, string.Concat(Enumerable.Repeat("😀", 200))));
            }
        }
    }

    [Fact]
    public async Task All_texts_to_look_for_have_at_most_1000_characters_those_of_a_view_included()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var five = string.Join(',', Enumerable.Repeat(Condition("CONTAINS", "Text", new string('x', 200)), 5));
        await data.SearchAsync(owner, table, $$"""{"operator":"OR","conditions":[{{five}}]}""");
        var problem = await RefusedAsync(
            owner,
            table,
            $$"""{"operator":"OR","conditions":[{{five}},{{Condition("ENDS_WITH", "Text", "y")}}]}"""
        );
        Assert.Equal("filter.conditions[5].rightSide", Assert.Single(problem.Violations).Field);
        Assert.Contains("1000 characters", problem.Violations[0].Rule, StringComparison.Ordinal);

        await CreateViewAsync(owner, table, $$"""{"operator":"OR","conditions":[{{five}}]}""");
        Assert.Equal(
            "filter.rightSide",
            Assert.Single((await RefusedAsync(owner, table, Condition("CONTAINS", "Long", "y"), "View")).Violations).Field
        );
    }

    [Fact]
    public async Task All_conditions_are_at_most_100_and_compare_with_at_most_1000_values_those_of_a_view_included()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var items = JsonSerializer.Serialize(Enumerable.Range(0, 200));
        var five = string.Join(',', Enumerable.Repeat($$"""{"operator":"IS_ONE_OF","leftSide":"Number","rightSide":{{items}}}""", 5));
        var one = """{"operator":"IS_ONE_OF","leftSide":"Number","rightSide":[1]}""";
        await data.SearchAsync(owner, table, $$"""{"operator":"OR","conditions":[{{five}}]}""");
        var problem = await RefusedAsync(owner, table, $$"""{"operator":"OR","conditions":[{{five}},{{one}}]}""");
        Assert.Contains("1000 values", Assert.Single(problem.Violations).Rule, StringComparison.Ordinal);

        var most = string.Join(',', Enumerable.Repeat("""{"operator":"IS_EMPTY","leftSide":"Number"}""", 99));
        await CreateViewAsync(owner, table, $$"""{"operator":"AND","conditions":[{{most}}]}""");
        problem = await RefusedAsync(owner, table, one, "View");
        Assert.Equal("filter", Assert.Single(problem.Violations).Field);
        Assert.Contains("100 conditions", problem.Violations[0].Rule, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_searches_of_a_workspace_look_through_long_texts_at_a_time_and_others_wait_or_are_told_so()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        await data.CreateRecordAsync(owner, table, """{"Long":"needle","Email":"a@needle.example","Text":"needle"}""");
        await CreateViewAsync(owner, table, Condition("CONTAINS", "Long", "needle"));
        await using var connection = await data.Admin.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var held = await HoldAsync(connection, owner, 1, 2);

        foreach (var field in new[] { "Long", "Text" })
        {
            var problem = await RefusedAsync(owner, table, Condition("CONTAINS", field, "needle"));
            Assert.Equal("TOO_MANY_HEAVY_QUERIES", problem.Reason);
        }

        Assert.Equal(
            "TOO_MANY_HEAVY_QUERIES",
            (
                await data
                    .Records.ListRecordsAsync(new ListRecordsRequest { TableId = table.Id, View = "View" }, data.As(owner))
                    .ProblemAsync()
            ).Reason
        );

        // Short texts, other comparisons, and other workspaces need no place.
        Assert.Single((await data.SearchAsync(owner, table, Condition("CONTAINS", "Email", "NEEDLE"))).Records);
        Assert.Single((await data.SearchAsync(owner, table, Condition("IS", "Long", "needle"))).Records);
        var stranger = DataFixture.Owner();
        var other = await data.CreateTableOfAllTypesAsync(stranger);
        Assert.Empty((await data.SearchAsync(stranger, other, Condition("CONTAINS", "Long", "needle"))).Records);

        var waiting = Task.Run(() => data.SearchAsync(owner, table, Condition("CONTAINS", "Long", "needle")));
        await held.RollbackAsync(TestContext.Current.CancellationToken);
        Assert.Single((await waiting).Records);
    }

    [Fact]
    public async Task Eight_heavy_searches_at_once_are_all_answered_with_their_totals()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        await data.CreateRecordsAsync(owner, table, """{"Long":"a needle"}""", """{"Long":"none"}""");
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    data.Records.SearchRecordsAsync(
                        new SearchRecordsRequest
                        {
                            TableId = table.Id,
                            Filter = DataFixture.Json(Condition("CONTAINS", "Long", "needle")),
                            IncludeTotal = true,
                        },
                        data.As(owner)
                    ).ResponseAsync
                )
        );
        Assert.All(answers, answer => Assert.Equal((1, "exact"), (answer.Page.Total, answer.Page.TotalKind)));
    }

    [Fact(Timeout = 10_000)]
    public async Task An_import_that_is_wrong_in_every_cell_or_has_labels_or_columns_without_end_is_refused_at_once()
    {
        var owner = DataFixture.Owner();
        var (needed, tags) = (DataFixture.Of("Needed", FieldType.Text), DataFixture.Of("Tags", FieldType.MultiSelect));
        (needed.Required, tags.AllowNewChoices) = (true, true);
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), needed, tags);
        foreach (
            var (csv, field, rule) in new[]
            {
                ("A\n" + string.Concat(Enumerable.Repeat("a\n", 10_000)), "row 2.Needed", "is required"),
                (
                    "Needed,Tags\nx," + string.Concat(Enumerable.Range(0, 100_000).Select(n => $"t{n};")) + "\n",
                    "Tags",
                    "would have more than 1000 choices"
                ),
                (string.Join(',', Enumerable.Range(0, 100_000).Select(n => $"c{n}")) + "\n1\n", "csv", "has 100000 columns"),
            }
        )
        {
            using var import = data.Csv.ImportCsv(new ImportCsvRequest { TableId = table.Id, Csv = csv }, data.As(owner));
            var problem = Problem.Read(
                await Assert.ThrowsAsync<RpcException>(() => import.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
            )!;
            Assert.Equal((field, rule), (problem.Violations[0].Field, problem.Violations[0].Rule));
            Assert.InRange(problem.Violations.Count, 1, 51);
        }
    }

    private static string Condition(string operation, string field, string text) =>
        JsonSerializer.Serialize(
            new
            {
                @operator = operation,
                leftSide = field,
                rightSide = text,
            }
        );

    private async Task<ProblemDetail> RefusedAsync(TestCaller caller, Table table, string filter, string view = "") =>
        await data
            .Records.SearchRecordsAsync(
                new SearchRecordsRequest
                {
                    TableId = table.Id,
                    Filter = DataFixture.Json(filter),
                    View = view,
                },
                data.As(caller)
            )
            .ProblemAsync();

    private Task<CreateViewResponse> CreateViewAsync(TestCaller caller, Table table, string filter) =>
        data
            .Views.CreateViewAsync(
                new CreateViewRequest
                {
                    TableId = table.Id,
                    Name = "View",
                    Filter = DataFixture.Json(filter),
                },
                data.As(caller)
            )
            .ResponseAsync;

    private Task<CreateFieldResponse> LinkAsync(TestCaller caller, Table table) =>
        data
            .Tables.CreateFieldAsync(
                new CreateFieldRequest
                {
                    TableId = table.Id,
                    Field = new Field
                    {
                        Name = "Link",
                        Type = FieldType.Link,
                        LinkTableId = table.Id,
                        LinkField = "Linked",
                    },
                },
                data.As(caller)
            )
            .ResponseAsync;

    /// <summary>A session that takes places of the caller's workspace, as other processes would.</summary>
    private static async Task<NpgsqlTransaction> HoldAsync(NpgsqlConnection connection, TestCaller caller, params int[] places)
    {
        var transaction = await connection.BeginTransactionAsync();
        foreach (var place in places)
        {
            await using var command = new NpgsqlCommand("select pg_advisory_xact_lock(data.heavy_lock($1, $2))", connection);
            command.Parameters.AddWithValue(caller.Workspace);
            command.Parameters.AddWithValue(place);
            await command.ExecuteNonQueryAsync();
        }

        return transaction;
    }

    public sealed class Fixture(PostgresFixture postgres) : DataFixture(postgres)
    {
        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Clock.Speed = 20;
        }
    }
}
