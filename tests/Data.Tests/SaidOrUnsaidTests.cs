using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

/// <summary>No default value stands where nothing is known or was asked for, and nothing that was sent is ignored.</summary>
public sealed class SaidOrUnsaidTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task An_update_that_names_nothing_to_change_is_refused()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var view = (await data.Views.CreateViewAsync(new CreateViewRequest { TableId = table.Id, Name = "V" }, data.As(owner))).View;
        ProblemDetail[] problems =
        [
            await data
                .Databases.UpdateDatabaseAsync(new UpdateDatabaseRequest { DatabaseId = table.DatabaseId }, data.As(owner))
                .ProblemAsync(),
            await data.Tables.UpdateTableAsync(new UpdateTableRequest { TableId = table.Id }, data.As(owner)).ProblemAsync(),
            await data.Tables.UpdateFieldAsync(new UpdateFieldRequest { TableId = table.Id, Field = "A" }, data.As(owner)).ProblemAsync(),
            await data.Views.UpdateViewAsync(new UpdateViewRequest { TableId = table.Id, View = view.Name }, data.As(owner)).ProblemAsync(),
        ];
        Assert.All(problems, problem => Assert.Equal(Reasons.InvalidArgument, problem.Reason));
        Assert.Equal("Send at least one of: name, description.", problems[0].Fix);
        Assert.Contains("removeChoices", problems[2].Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ids_cannot_be_given_to_new_fields_and_choices()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Select, "x"));
        var field = table.Fields[0].Clone();
        field.Name = "B";
        var problem = await data
            .Tables.CreateFieldAsync(new CreateFieldRequest { TableId = table.Id, Field = field }, data.As(owner))
            .ProblemAsync();
        Assert.Equal(["field.id", "field.choices[0].id"], problem.Violations.Select(violation => violation.Field));
        var add = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "A",
            AddChoices =
            {
                new Choice { Id = field.Choices[0].Id, Label = "y" },
            },
        };
        Assert.Equal(
            "choices[1].id",
            Assert.Single((await data.Tables.UpdateFieldAsync(add, data.As(owner)).ProblemAsync()).Violations).Field
        );
    }

    [Fact]
    public async Task A_list_of_tables_tells_how_many_fields_each_has()
    {
        var owner = DataFixture.Owner();
        await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), DataFixture.Of("B", FieldType.Text));
        var listed = Assert.Single((await data.Tables.ListTablesAsync(new ListTablesRequest(), data.As(owner))).Tables);
        Assert.Equal((2, 0), (listed.FieldCount, listed.Fields.Count));
    }

    [Fact]
    public async Task A_dry_run_answers_no_id_of_what_it_would_make()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var dry = () => data.As(owner, dryRun: true);
        var database = (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = "D" }, dry())).Database;
        Assert.Equal(("", "D"), (database.Id, database.Name));
        var create = new CreateTableRequest
        {
            DatabaseId = table.DatabaseId,
            Name = "T",
            Fields = { DataFixture.Of("A", FieldType.Select, "x") },
        };
        var made = (await data.Tables.CreateTableAsync(create, dry())).Table;
        Assert.Equal(("", "", table.DatabaseId), (made.Id, made.PrimaryFieldId, made.DatabaseId));
        Assert.Equal(("", ""), (made.Fields[0].Id, made.Fields[0].Choices[0].Id));
        var request = DataFixture.New(table, """{"A":"1"}""", """{"A":"2"}""");
        request.ReturnFields.Add("*");
        var records = await data.Records.CreateRecordsAsync(request, dry());
        Assert.Empty(records.RecordIds);
        Assert.Equal(["", ""], records.Records.Select(record => record.Id));
        var kept = await data.CreateRecordAsync(owner, table, """{"A":"1"}""");
        var upsert = new UpsertRecordsRequest
        {
            TableId = table.Id,
            MatchFields = { "A" },
            Records = { request.Records },
        };
        Assert.Equal([kept, ""], (await data.Records.UpsertRecordsAsync(upsert, dry())).Records.Select(record => record.Id));

        // The ids of a call that acts are there.
        Assert.Equal(2, (await data.Records.CreateRecordsAsync(request, data.As(owner))).RecordIds.Count);
    }
}
