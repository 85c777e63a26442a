using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class CreateRecordsTests(DataFixture data) : IClassFixture<DataFixture>
{
    private const string Full = """
        {"Text":"Ada \"the\" 😀 שלום","Long":"a\nb","Number":"12345678901234567890.123456789012345678","Checkbox":true,
         "Select":"Green","Multi":["Blue","Red"],"Date":"9999-12-31","Moment":"2026-05-01T12:00:00.123456+02:00",
         "Email":"ada@example.com","Url":"https://example.com/a?b=c"}
        """;

    [Fact]
    public async Task What_was_created_reads_back_digit_by_digit_and_was_announced()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var id = await data.CreateRecordAsync(owner, table, Full);
        var record = await data.GetRecordAsync(owner, table, id);

        Assert.Equal(
            """{"Text":"Ada \"the\" 😀 שלום","Long":"a\nb","Number":"12345678901234567890.123456789012345678","Checkbox":"""
                + """true,"Select":"Green","Multi":["Blue","Red"],"Date":"9999-12-31","Moment":"2026-05-01T10:00:00.123456Z","""
                + "\"Email\":\"ada@example.com\",\"Url\":\"https://example.com/a?b=c\"}",
            record.Fields.Utf8.ToStringUtf8()
        );
        Assert.Equal((1, Ids.Format("mbr", owner.Member!.Value)), (record.Version, record.CreatedBy));
        Assert.Equal(record.CreatedAt, record.UpdatedAt);

        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(RecordsCreated)
        );
        Assert.Equal(("record.created", owner.Environment), (announced.Action, announced.EnvironmentId));
        Assert.Equal(["record", "table"], announced.Targets.Select(target => target.Kind));
        Assert.Equal([id], announced.Read<RecordsCreated>().RecordIds);
    }

    [Fact]
    public async Task A_hundred_records_keep_the_order_of_the_call_and_leave_one_change_in_history()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var ids = await data.CreateRecordsAsync(owner, table, [.. Enumerable.Range(0, 100).Select(n => $$"""{"N":{{n}}}""")]);

        var listed = await data.Records.ListRecordsAsync(
            new ListRecordsRequest
            {
                TableId = table.Id,
                Limit = 200,
                IncludeTotal = true,
            },
            data.As(owner)
        );
        Assert.Equal(ids, listed.Records.Select(record => record.Id));
        Assert.Equal(
            Enumerable.Range(0, 100).Select(n => $$"""{"N":{{n}}}"""),
            listed.Records.Select(record => record.Fields.Utf8.ToStringUtf8())
        );
        Assert.Equal((100, "exact", false), (listed.Page.Total, listed.Page.TotalKind, listed.Page.HasMore));
        Assert.Equal(
            100,
            await data.ScalarAsync<int>(
                "select cardinality(record_ids) from data.record_change where workspace_id = $1 and kind = 'created'",
                owner.Workspace
            )
        );

        var tooMany = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, [.. Enumerable.Repeat("{}", 101)]), data.As(owner))
            .ProblemAsync();
        Assert.Equal("records", Assert.Single(tooMany.Violations).Field);
    }

    [Fact]
    public async Task Every_violation_of_every_record_is_named_at_once_and_nothing_is_written()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var problem = await data
            .Records.CreateRecordsAsync(
                DataFixture.New(
                    table,
                    """{"Text":"fine"}""",
                    """{"Text":1,"Number":"one","Checkbox":"yes","Select":"Pink","Multi":"""
                        + """["Red","Red"],"Date":"2026-02-30","Moment":"2026-05-01T10:00:00","Email":"no","Url":"javascript:alert(1)"}""",
                    """{"Nope":1,"text":"wrong case","Text":"a","Text":"b"}""",
                    "[]",
                    "{",
                    """{"Text":"\u0000"}""",
                    """{"Text":"\ud800"}""",
                    """{"Number":1e99}""",
                    """{"Multi":"Red"}"""
                ),
                data.As(owner)
            )
            .ProblemAsync();

        Assert.Equal("INVALID_ARGUMENT", problem.Reason);
        Assert.Equal(
            [
                "records[1].fields.Text",
                "records[1].fields.Number",
                "records[1].fields.Checkbox",
                "records[1].fields.Select",
                "records[1].fields.Multi",
                "records[1].fields.Date",
                "records[1].fields.Moment",
                "records[1].fields.Email",
                "records[1].fields.Url",
                "records[2].fields.Nope",
                "records[2].fields.text",
                "records[2].fields.Text",
                "records[3].fields",
                "records[4].fields",
                "records[5].fields.Text",
                "records[6].fields.Text",
                "records[7].fields.Number",
                "records[8].fields.Multi",
            ],
            problem.Violations.Select(violation => violation.Field)
        );
        Assert.Contains("Text, Long, Number", problem.Violations[9].Fix, StringComparison.Ordinal);
        Assert.Contains("Red, Green, Blue", problem.Violations[3].Fix, StringComparison.Ordinal);
        Assert.Empty((await data.SearchAsync(owner, table)).Records);
    }

    [Theory]
    [InlineData("2026-05-01T10:00:00.123456000Z", "2026-05-01T10:00:00.123456Z")]
    [InlineData("2026-05-01T10:00:00.1234560+02:00", "2026-05-01T08:00:00.123456Z")]
    [InlineData("2026-05-01T10:00:00.1234567Z", null)]
    [InlineData("2026-05-01T10:00:00.0000001Z", null)]
    public async Task A_moment_is_exact_to_the_microsecond_and_finer_ones_are_refused(string sent, string? kept)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("T", FieldType.Text), DataFixture.Of("M", FieldType.DateTime));
        var call = data.Records.CreateRecordsAsync(DataFixture.New(table, $$"""{"M":"{{sent}}"}"""), data.As(owner));
        if (kept is null)
        {
            Assert.Equal("records[0].fields.M", Assert.Single((await call.ProblemAsync()).Violations).Field);
            return;
        }

        await call;
        Assert.Equal(
            $$"""{"T":null,"M":"{{kept}}"}""",
            Assert.Single((await data.SearchAsync(owner, table)).Records).Fields.Utf8.ToStringUtf8()
        );
    }

    [Fact]
    public async Task Fields_can_be_given_and_answered_by_id()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("Colour", FieldType.Select, "Red")
        );
        var (name, colour) = (table.Fields[0].Id, table.Fields[1]);
        var created = await data.Records.CreateRecordAsync(
            new CreateRecordRequest
            {
                TableId = table.Id,
                Fields = DataFixture.Json($$"""{"{{name}}":"Ada","{{colour.Id}}":"{{colour.Choices[0].Id}}"}"""),
                ReturnFields = { "*" },
                FieldKeys = "id",
            },
            data.As(owner)
        );
        Assert.Equal($$"""{"{{name}}":"Ada","{{colour.Id}}":"Red"}""", created.Record.Fields.Utf8.ToStringUtf8());

        var twice = await data
            .Records.CreateRecordAsync(
                new CreateRecordRequest { TableId = table.Id, Fields = DataFixture.Json($$"""{"{{name}}":"a","Name":"b"}""") },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal("fields.Name", Assert.Single(twice.Violations).Field);
        var unknown = await data
            .Records.CreateRecordAsync(
                new CreateRecordRequest
                {
                    TableId = table.Id,
                    Fields = DataFixture.Json("{}"),
                    ReturnFields = { "Nope" },
                },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal("returnFields[0]", Assert.Single(unknown.Violations).Field);
    }

    [Fact]
    public async Task A_required_field_must_have_a_value_and_null_or_nothing_is_none()
    {
        var owner = DataFixture.Owner();
        var name = DataFixture.Of("Name", FieldType.Text);
        name.Required = true;
        var table = await data.CreateTableAsync(owner, name);
        var problem = await data
            .Records.CreateRecordsAsync(
                DataFixture.New(table, "{}", """{"Name":null}""", """{"Name":""}""", """{"Name":"a"}"""),
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(
            ["records[0].fields.Name", "records[1].fields.Name", "records[2].fields.Name"],
            problem.Violations.Select(violation => violation.Field)
        );
    }

    [Fact]
    public async Task A_unique_value_is_taken_once_and_the_refusal_names_the_record_that_has_it()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, Unique("Sku", FieldType.Text), Unique("Number", FieldType.Number));
        var first = await data.CreateRecordAsync(owner, table, """{"Sku":"a","Number":1}""");

        var taken = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, """{"Sku":"b"}""", """{"Sku":"a"}"""), data.As(owner))
            .ProblemAsync();
        Assert.Equal("VALUE_TAKEN", taken.Reason);
        Assert.Equal(
            ("records[1].fields.Sku", $"is the value of {first}"),
            (Assert.Single(taken.Violations).Field, taken.Violations[0].Rule)
        );
        var number = await data
            .Records.CreateRecordAsync(
                new CreateRecordRequest { TableId = table.Id, Fields = DataFixture.Json("""{"Number":1.00}""") },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(("VALUE_TAKEN", "fields.Number"), (number.Reason, Assert.Single(number.Violations).Field));
        var within = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, """{"Sku":"c"}""", """{"Sku":"c"}"""), data.As(owner))
            .ProblemAsync();
        Assert.Equal("records[1].fields.Sku", Assert.Single(within.Violations).Field);

        var racing = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        await data.CreateRecordAsync(owner, table, """{"Sku":"race"}""");
                        return true;
                    }
                    catch (Grpc.Core.RpcException)
                    {
                        return false;
                    }
                })
        );
        Assert.Equal(1, racing.Count(won => won));
    }

    [Fact]
    public async Task Eight_calls_with_one_idempotency_key_create_once()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    data.Records.CreateRecordsAsync(
                        DataFixture.New(table, """{"N":1}""", """{"N":2}"""),
                        data.As(owner, idempotencyKey: "k")
                    ).ResponseAsync
                )
        );
        Assert.Equal(2, answers.SelectMany(answer => answer.RecordIds).Distinct().Count());
        Assert.Equal(2, (await data.SearchAsync(owner, table)).Records.Count);
        var reused = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, """{"N":3}"""), data.As(owner, idempotencyKey: "k"))
            .ProblemAsync();
        Assert.Equal("IDEMPOTENCY_KEY_REUSED", reused.Reason);
    }

    [Fact]
    public async Task A_dry_run_checks_everything_and_writes_nothing()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        await data.Records.CreateRecordsAsync(DataFixture.New(table, """{"N":1}"""), data.As(owner, dryRun: true));
        Assert.Empty((await data.SearchAsync(owner, table)).Records);
        Assert.Equal(0L, await data.ScalarAsync<long>("select count(*) from data.record_change where workspace_id = $1", owner.Workspace));
    }

    [Fact]
    public async Task New_choices_are_made_where_the_field_allows_it_also_by_eight_at_once()
    {
        var owner = DataFixture.Owner();
        var (tags, open) = (DataFixture.Of("Tags", FieldType.MultiSelect, "old"), DataFixture.Of("Kind", FieldType.Select));
        (tags.AllowNewChoices, open.AllowNewChoices) = (true, true);
        var table = await data.CreateTableAsync(owner, open, tags);
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(n => data.CreateRecordAsync(owner, table, $$"""{"Kind":"k{{n % 3}}","Tags":["old","new","t{{n % 2}}"]}"""))
        );

        var fields = (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(owner))).Fields;
        Assert.Equal(["k0", "k1", "k2"], fields[0].Choices.Select(choice => choice.Label).Order());
        Assert.Equal(["new", "old", "t0", "t1"], fields[1].Choices.Select(choice => choice.Label).Order());
        Assert.Equal(
            8,
            (await data.SearchAsync(owner, table, """{"operator":"HAS_ALL_OF","leftSide":"Tags","rightSide":["old","new"]}"""))
                .Records
                .Count
        );
    }

    [Fact]
    public async Task A_viewer_may_not_and_others_do_not_find_the_table()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var request = DataFixture.New(table, """{"N":1}""");
        await data.Records.CreateRecordsAsync(request, data.As(owner));

        Assert.Equal(
            "PERMISSION_DENIED",
            (await data.Records.CreateRecordsAsync(request, data.As(owner with { Role = Roles.Viewer })).ProblemAsync()).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (await data.Records.CreateRecordsAsync(request, data.As(owner with { Environment = Ids.New() })).ProblemAsync()).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (
                await data
                    .Records.CreateRecordsAsync(request, data.As(DataFixture.Owner() with { Environment = owner.Environment }))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (
                await data
                    .Records.CreateRecordsAsync(
                        new CreateRecordsRequest { TableId = "tbl_x", Records = { request.Records } },
                        data.As(owner)
                    )
                    .ProblemAsync()
            ).Reason
        );
    }

    private static Contracts.V1.Field Unique(string name, FieldType type)
    {
        var field = DataFixture.Of(name, type);
        field.Unique = true;
        return field;
    }
}
