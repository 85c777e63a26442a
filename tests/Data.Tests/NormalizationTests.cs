using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

/// <summary>é is one text, whether it was written as one character or as two.</summary>
public sealed class NormalizationTests(DataFixture data) : IClassFixture<DataFixture>
{
    private const string Composed = "Caf\u00e9";
    private const string Decomposed = "Cafe\u0301";

    // As Python's json module writes it.
    private const string Escaped = "Cafe\\u0301";

    [Fact]
    public async Task A_unique_field_takes_one_of_both_spellings()
    {
        var owner = DataFixture.Owner();
        var table = await CreateTableAsync(owner);
        await data.CreateRecordsAsync(owner, table, Record(Composed));
        Assert.Equal(Reasons.ValueTaken, await ReasonAsync(Record(Decomposed)));
        Assert.Equal(Reasons.ValueTaken, await ReasonAsync(Record(Escaped)));
        Assert.Equal(Reasons.InvalidArgument, await ReasonAsync(Record("\u212bngstr\u00f6m"), Record("\u00c5ngstro\u0308m")));

        async Task<string> ReasonAsync(params string[] records) =>
            (await data.Records.CreateRecordsAsync(DataFixture.New(table, records), data.As(owner)).ProblemAsync()).Reason;
    }

    [Fact]
    public async Task Upserts_filters_and_imports_find_the_other_spelling()
    {
        var owner = DataFixture.Owner();
        var table = await CreateTableAsync(owner);
        var id = await data.CreateRecordAsync(owner, table, $$"""{"Name":"{{Decomposed}}","Kind":"{{Decomposed}}"}""");
        var upsert = new UpsertRecordsRequest
        {
            TableId = table.Id,
            MatchFields = { "Name" },
            Records = { new NewRecord { Fields = DataFixture.Json($$"""{"Name":"{{Composed}}","Kind":"{{Composed}}"}""") } },
        };
        var upserted = Assert.Single((await data.Records.UpsertRecordsAsync(upsert, data.As(owner))).Records);
        Assert.Equal((id, "unchanged"), (upserted.Id, upserted.Outcome));
        foreach (var spelling in new[] { Composed, Decomposed, Escaped })
        {
            foreach (var comparison in new[] { "IS", "CONTAINS", "STARTS_WITH", "IS_ONE_OF" })
            {
                var filter = $$"""{"operator":"{{comparison}}","leftSide":"Name","rightSide":"{{spelling}}"}""";
                Assert.Single((await data.SearchAsync(owner, table, filter)).Records);
            }

            Assert.Single(
                (await data.SearchAsync(owner, table, $$"""{"operator":"IS","leftSide":"Kind","rightSide":"{{spelling}}"}""")).Records
            );
        }

        using var import = data.Csv.ImportCsv(new ImportCsvRequest { TableId = table.Id, Csv = $"Name\n{Decomposed}\n" }, data.As(owner));
        var refused = await Assert.ThrowsAsync<RpcException>(() => import.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(Reasons.ValueTaken, ServiceDefaults.Calls.Problem.Read(refused)!.Reason);

        // There is one choice, not two.
        var fields = (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(owner))).Fields;
        Assert.Equal(Composed, Assert.Single(fields[1].Choices).Label);
    }

    [Fact]
    public async Task Names_of_databases_tables_fields_views_and_choices_are_one()
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner, Decomposed);
        Assert.Equal(Composed, database.Name);
        Assert.Equal(
            Reasons.NameTaken,
            (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = Composed }, data.As(owner)).ProblemAsync()).Reason
        );
        var table = new CreateTableRequest
        {
            DatabaseId = database.Id,
            Name = Decomposed,
            Fields = { DataFixture.Of(Decomposed, FieldType.Text), DataFixture.Of(Composed, FieldType.Text) },
        };
        Assert.Equal(
            "fields[1].name",
            Assert.Single((await data.Tables.CreateTableAsync(table, data.As(owner)).ProblemAsync()).Violations).Field
        );
        table.Fields[1].Name = "Other";
        var made = (await data.Tables.CreateTableAsync(table, data.As(owner))).Table;
        Assert.Equal((Composed, Composed), (made.Name, made.Fields[0].Name));
        var field = new CreateFieldRequest { TableId = made.Id, Field = DataFixture.Of(Decomposed, FieldType.Text) };
        Assert.Equal(Reasons.NameTaken, (await data.Tables.CreateFieldAsync(field, data.As(owner)).ProblemAsync()).Reason);
        var twice = DataFixture.Of("Kind", FieldType.Select, Composed, Decomposed);
        Assert.Equal(
            "field.choices[1].label",
            Assert
                .Single(
                    (
                        await data
                            .Tables.CreateFieldAsync(new CreateFieldRequest { TableId = made.Id, Field = twice }, data.As(owner))
                            .ProblemAsync()
                    ).Violations
                )
                .Field
        );

        // Values are given, and columns named, in either spelling.
        await data.CreateRecordsAsync(
            owner,
            made,
            $$"""{"{{Decomposed}}":"1"}""",
            $$"""{"{{Escaped}}":"2"}""",
            $$"""{"{{Composed}}":"3"}"""
        );
        await data.Views.CreateViewAsync(
            new CreateViewRequest
            {
                TableId = made.Id,
                Name = Decomposed,
                Fields = { Decomposed },
            },
            data.As(owner)
        );
        var listed = await data.Records.ListRecordsAsync(new ListRecordsRequest { TableId = made.Id, View = Composed }, data.As(owner));
        Assert.Equal(
            [$$"""{"{{Composed}}":"1"}""", $$"""{"{{Composed}}":"2"}""", $$"""{"{{Composed}}":"3"}"""],
            listed.Records.Select(record => record.Fields.Utf8.ToStringUtf8())
        );
        var found = await data.Tables.ListTablesAsync(new ListTablesRequest { Search = "fe\u0301" }, data.As(owner));
        Assert.Single(found.Tables);
    }

    [Fact]
    public async Task What_was_kept_before_stays_as_it_is_until_it_is_written_again()
    {
        var owner = DataFixture.Owner();
        var table = await CreateTableAsync(owner);
        var id = await data.CreateRecordAsync(owner, table, Record("x"));
        await data.ExecuteAsync($"update {DataFixture.NameOf(owner, table)} set c_{table.Fields[0].Id[4..]} = $1", Decomposed);
        Assert.Equal(Record(Decomposed), await TextAsync());
        var request = new UpdateRecordRequest
        {
            TableId = table.Id,
            RecordId = id,
            Fields = DataFixture.Json(Record(Decomposed)),
        };
        await data.Records.UpdateRecordAsync(request, data.As(owner));
        Assert.Equal(Record(Composed), await TextAsync());

        async Task<string> TextAsync() =>
            (
                await data.Records.GetRecordAsync(
                    new GetRecordRequest
                    {
                        TableId = table.Id,
                        RecordId = id,
                        ReturnFields = { "Name" },
                    },
                    data.As(owner)
                )
            ).Record.Fields.Utf8.ToStringUtf8();
    }

    private static string Record(string name) => $$"""{"Name":"{{name}}"}""";

    private Task<Table> CreateTableAsync(TestCaller owner)
    {
        var name = DataFixture.Of("Name", FieldType.Text);
        var kind = DataFixture.Of("Kind", FieldType.Select);
        (name.Unique, kind.AllowNewChoices) = (true, true);
        return data.CreateTableAsync(owner, name, kind);
    }
}
