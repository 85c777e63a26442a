using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class UpsertRecordsTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task Each_record_is_created_updated_or_left_as_it_is_and_keeps_what_it_does_not_name()
    {
        var owner = DataFixture.Owner();
        var table = await TableAsync(owner);
        var ids = await data.CreateRecordsAsync(
            owner,
            table,
            """{"Sku":"a","N":1,"Note":"old"}""",
            """{"Sku":"b","N":2,"Note":"stays"}""",
            """{"Sku":"c","N":3}"""
        );
        var answer = await UpsertAsync(
            owner,
            table,
            ["Sku"],
            """{"Sku":"a","N":10}""",
            """{"Sku":"new","N":4}""",
            """{"Sku":"b","Note":"stays"}""",
            """{"Sku":"c","N":null,"Note":"x"}"""
        );

        Assert.Equal(["updated", "created", "unchanged", "updated"], answer.Records.Select(record => record.Outcome));
        Assert.Equal([2L, 1L, 1L, 2L], answer.Records.Select(record => record.Version));
        Assert.Equal((ids[0], ids[1], ids[2]), (answer.Records[0].Id, answer.Records[2].Id, answer.Records[3].Id));
        Assert.Equal(
            [
                """{"Sku":"a","N":10,"Note":"old"}""",
                """{"Sku":"b","N":2,"Note":"stays"}""",
                """{"Sku":"c","N":null,"Note":"x"}""",
                """{"Sku":"new","N":4,"Note":null}""",
            ],
            (await data.SearchAsync(owner, table)).Records.Select(record => record.Fields.Utf8.ToStringUtf8())
        );

        var (sku, note) = (Column(table, 0), Column(table, 2));
        Assert.Equal(
            2,
            await data.ScalarAsync<int>(
                "select cardinality(record_ids) from data.record_change where workspace_id = $1 and kind = 'updated'",
                owner.Workspace
            )
        );
        Assert.Equal(
            1L,
            await data.ScalarAsync<long>(
                "select count(*) from data.record_before where workspace_id = $1 and before ? $2",
                owner.Workspace,
                note
            )
        );
        Assert.Equal(
            2L,
            await data.ScalarAsync<long>(
                "select count(*) from data.record_before where workspace_id = $1 and before ? $2",
                owner.Workspace,
                sku
            )
        );
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(RecordsUpdated)
        );
        Assert.Equal(("record.updated", 2), (announced.Action, announced.Read<RecordsUpdated>().Count));
        var call = data.Records.UpsertRecordsAsync(Request(table, ["Sku"], """{"Sku":"a","N":10.0}"""), data.As(owner));
        Assert.Equal("unchanged", Assert.Single((await call).Records).Outcome);
        Assert.Equal("unchanged", call.GetTrailers().GetValue("x-outcome"));
    }

    [Fact]
    public async Task Eight_at_once_with_one_key_leave_one_record()
    {
        var owner = DataFixture.Owner();
        var table = await TableAsync(owner);
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(n => UpsertAsync(owner, table, ["Sku"], $$"""{"Sku":"k","N":{{n}}}""", $$"""{"Sku":"l{{n % 2}}","N":1}"""))
        );
        Assert.Single(answers.Select(answer => answer.Records[0].Id).Distinct());
        Assert.Equal(
            (1, 2),
            (
                answers.Count(answer => answer.Records[0].Outcome == "created"),
                answers.Count(answer => answer.Records[1].Outcome == "created")
            )
        );
        Assert.Equal(3, (await data.SearchAsync(owner, table)).Records.Count);
    }

    [Fact]
    public async Task A_key_of_several_fields_matches_only_when_all_do()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("D", FieldType.Date),
            DataFixture.Of("S", FieldType.Select, "x", "y"),
            DataFixture.Of("N", FieldType.Number)
        );
        await data.CreateRecordsAsync(owner, table, """{"D":"2026-01-01","S":"x"}""", """{"D":"2026-01-01","S":"y"}""");
        var answer = await UpsertAsync(
            owner,
            table,
            ["D", "S"],
            """{"D":"2026-01-01","S":"y","N":1}""",
            """{"D":"2026-01-02","S":"y","N":1}"""
        );
        Assert.Equal(["updated", "created"], answer.Records.Select(record => record.Outcome));
    }

    [Fact]
    public async Task Keys_that_are_missing_doubled_or_shared_are_refused_and_nothing_is_written()
    {
        var owner = DataFixture.Owner();
        var table = await TableAsync(owner);
        var ids = await data.CreateRecordsAsync(owner, table, """{"Sku":"a"}""", """{"Sku":"a"}""", """{"Sku":"n","N":1}""");
        var problem = await Refused(["Sku"], """{"Sku":"a"}""", """{"Sku":"q"}""", """{"Sku":"q"}""");
        Assert.Equal(["records[2].fields.Sku", "records[0].fields.Sku"], problem.Violations.Select(violation => violation.Field));
        Assert.Contains($"matches 2 records: {ids[0]}, {ids[1]}", problem.Violations[1].Rule, StringComparison.Ordinal);
        Assert.Equal("records[1].fields.N", Assert.Single((await Refused(["N"], """{"N":1.0}""", """{"N":1}""")).Violations).Field[..19]);
        Assert.Equal(
            ["records[0].fields.Sku", "records[1].fields.Sku"],
            (await Refused(["Sku"], "{}", """{"Sku":""}""")).Violations.Select(violation => violation.Field)
        );
        Assert.Equal("matchFields[0]", Assert.Single((await Refused(["Nope"], "{}")).Violations).Field);
        Assert.Equal("matchFields[1]", Assert.Single((await Refused(["Sku", "Sku"], "{}")).Violations).Field);
        Assert.Equal("matchFields[0]", Assert.Single((await Refused(["Note"], "{}")).Violations).Field);
        Assert.Equal("records", Assert.Single((await Refused(["Sku"], [.. Enumerable.Repeat("{}", 101)])).Violations).Field);
        Assert.Equal(3, (await data.SearchAsync(owner, table)).Records.Count);

        async Task<ProblemDetail> Refused(string[] keys, params string[] records) =>
            await data.Records.UpsertRecordsAsync(Request(table, keys, records), data.As(owner)).ProblemAsync();
    }

    [Fact]
    public async Task Rules_of_new_records_and_of_changes_both_hold()
    {
        var owner = DataFixture.Owner();
        var (name, code) = (DataFixture.Of("Name", FieldType.Text), DataFixture.Of("Code", FieldType.Number));
        (name.Required, code.Unique) = (true, true);
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Sku", FieldType.Text), name, code);
        var ids = await data.CreateRecordsAsync(owner, table, """{"Sku":"a","Name":"x","Code":1}""", """{"Sku":"b","Name":"y","Code":2}""");
        Assert.Equal("records[1].fields.Name", Assert.Single((await Refused("""{"Sku":"a"}""", """{"Sku":"c"}""")).Violations).Field);
        Assert.Equal(
            "records[0].fields.Name",
            Assert.Single((await Refused("""{"Sku":"a","Name":null}""", """{"Sku":"c","Name":"z"}""")).Violations).Field
        );
        var taken = await Refused("""{"Sku":"a","Code":1}""", """{"Sku":"b","Code":1}""");
        Assert.Equal("INVALID_ARGUMENT", taken.Reason);
        var other = await Refused("""{"Sku":"a","Name":"x2","Code":1}""", """{"Sku":"c","Name":"z","Code":2}""");
        Assert.Equal(
            ("VALUE_TAKEN", "records[1].fields.Code", $"is the value of {ids[1]}"),
            (other.Reason, Assert.Single(other.Violations).Field, other.Violations[0].Rule)
        );
        Assert.Equal(1, (await data.GetRecordAsync(owner, table, ids[0])).Version);

        async Task<ProblemDetail> Refused(params string[] records) =>
            await data.Records.UpsertRecordsAsync(Request(table, ["Sku"], records), data.As(owner)).ProblemAsync();
    }

    [Fact]
    public async Task A_dry_run_tells_outcomes_and_a_repeat_with_a_key_answers_the_same()
    {
        var owner = DataFixture.Owner();
        var table = await TableAsync(owner);
        var request = Request(table, ["Sku"], """{"Sku":"a","N":1}""");
        Assert.Equal(
            "created",
            Assert.Single((await data.Records.UpsertRecordsAsync(request, data.As(owner, dryRun: true))).Records).Outcome
        );
        Assert.Empty((await data.SearchAsync(owner, table)).Records);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => data.Records.UpsertRecordsAsync(request, data.As(owner, idempotencyKey: "u")).ResponseAsync)
        );
        Assert.Single(answers.Distinct());
        Assert.Equal("created", answers[0].Records[0].Outcome);
    }

    [Fact]
    public async Task A_viewer_may_not_and_others_do_not_find_the_table()
    {
        var owner = DataFixture.Owner();
        var request = Request(await TableAsync(owner), ["Sku"], """{"Sku":"a"}""");
        Assert.Equal(
            "PERMISSION_DENIED",
            (await data.Records.UpsertRecordsAsync(request, data.As(owner with { Role = Roles.Viewer })).ProblemAsync()).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (await data.Records.UpsertRecordsAsync(request, data.As(owner with { Environment = Ids.New() })).ProblemAsync()).Reason
        );
        Assert.Equal("NOT_FOUND", (await data.Records.UpsertRecordsAsync(request, data.As(DataFixture.Owner())).ProblemAsync()).Reason);
    }

    private Task<Table> TableAsync(TestCaller owner) =>
        data.CreateTableAsync(
            owner,
            DataFixture.Of("Sku", FieldType.Text),
            DataFixture.Of("N", FieldType.Number),
            DataFixture.Of("Note", FieldType.LongText)
        );

    private async Task<UpsertRecordsResponse> UpsertAsync(TestCaller owner, Table table, string[] keys, params string[] records) =>
        await data.Records.UpsertRecordsAsync(Request(table, keys, records), data.As(owner));

    private static UpsertRecordsRequest Request(Table table, string[] keys, params string[] records) =>
        new()
        {
            TableId = table.Id,
            MatchFields = { keys },
            Records = { DataFixture.New(table, records).Records },
        };

    private static string Column(Table table, int field) => "c_" + table.Fields[field].Id["fld_".Length..];
}
