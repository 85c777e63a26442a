using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

/// <summary>Files as other programs write them, and what is said where one cannot be read.</summary>
public sealed class ImportCsvTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Theory]
    [InlineData(",", "1.234.567,50", "1234567.50")]
    [InlineData(",", "1234,5", "1234.5")]
    [InlineData(",", "-1 234,5", "-1234.5")]
    [InlineData(",", "+007", "7")]
    [InlineData(",", "0,5", "0.5")]
    [InlineData(",", " 12 ", "12")]
    [InlineData(".", "1,234,567.50", "1234567.50")]
    [InlineData(".", "1'234.5", "1234.5")]
    [InlineData(".", "1,23", null)]
    [InlineData(",", "1.5", null)]
    [InlineData(",", "1.23.4567", null)]
    [InlineData("", "1,000", null)]
    [InlineData("", "1234.5", "1234.5")]
    public async Task Numbers_are_read_with_the_decimal_mark_that_is_named(string mark, string cell, string? number)
    {
        var request = new ImportCsvRequest
        {
            Csv = $"N;T\n{cell};x\n",
            Delimiter = ";",
            Decimal = mark,
        };
        await AssertAsync(
            request,
            number is null ? null : $"{{\"N\":{number},\"T\":\"x\"}}",
            "decimal",
            DataFixture.Of("N", FieldType.Number),
            DataFixture.Of("T", FieldType.Text)
        );
    }

    [Theory]
    [InlineData("DMY", "31.12.2026", "2026-12-31")]
    [InlineData("DMY", "1/2/2026", "2026-02-01")]
    [InlineData("MDY", "1/2/2026", "2026-01-02")]
    [InlineData("YMD", "2026/1/2", "2026-01-02")]
    [InlineData("DMY", "2026-12-31", "2026-12-31")]
    [InlineData("MDY", "31/12/2026", null)]
    [InlineData("DMY", "1.2.26", null)]
    [InlineData("", "31.12.2026", null)]
    public async Task Dates_are_read_in_the_order_that_is_named(string order, string cell, string? date)
    {
        var request = new ImportCsvRequest { Csv = $"D\n{cell}\n", DateOrder = order };
        await AssertAsync(request, date is null ? null : $"{{\"D\":\"{date}\"}}", "dateOrder", DataFixture.Of("D", FieldType.Date));
    }

    [Theory]
    [InlineData("Europe/Berlin", "", "2026-05-01 10:00", "2026-05-01T08:00:00Z")]
    [InlineData("Europe/Berlin", "DMY", "1.12.2026 9:05:07.123456", "2026-12-01T08:05:07.123456Z")]
    [InlineData("America/New_York", "MDY", "12/1/2026 09:05", "2026-12-01T14:05:00Z")]
    [InlineData("UTC", "", "2026-05-01T10:00:00", "2026-05-01T10:00:00Z")]
    [InlineData("UTC", "", "2026-05-01T10:00:00+02:00", "2026-05-01T08:00:00Z")]
    [InlineData("", "", "2026-05-01 10:00", null)]
    [InlineData("Europe/Berlin", "", "2026-03-29 02:30", null)]
    [InlineData("Europe/Berlin", "", "2026-10-25 02:30", null)]
    public async Task Times_without_an_offset_are_read_in_the_zone_that_is_named(string zone, string order, string cell, string? instant)
    {
        var request = new ImportCsvRequest
        {
            Csv = $"M\n{cell}\n",
            TimeZone = zone,
            DateOrder = order,
        };
        await AssertAsync(
            request,
            instant is null ? null : $"{{\"M\":\"{instant}\"}}",
            "timeZone",
            DataFixture.Of("M", FieldType.DateTime)
        );
    }

    [Fact]
    public async Task Columns_are_found_whatever_their_case_and_what_every_record_has_is_left_out_and_told()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("ID", FieldType.Text),
            DataFixture.Of("name2", FieldType.Text)
        );
        var answer = await ImportAsync(
            owner,
            new ImportCsvRequest { TableId = table.Id, Csv = "id,NAME,version,createdAt,name2\n17,Ada,3,yesterday,x\n" }
        );
        Assert.Equal(
            [("NAME", "Name"), ("createdAt", ""), ("id", "ID"), ("version", "")],
            answer.Mapped.Select(one => (one.Key, one.Value)).OrderBy(one => one.Key, StringComparer.Ordinal)
        );
        Assert.Equal(
            """{"Name":"Ada","ID":"17","name2":"x"}""",
            Assert.Single((await data.SearchAsync(owner, table)).Records).Fields.Utf8.ToStringUtf8()
        );

        // A column that names a field exactly has it; another one that differs in case is not that field.
        var problem = await RefusedAsync(owner, new ImportCsvRequest { TableId = table.Id, Csv = "Name,NAME\na,b\n" });
        Assert.Equal(
            ("column NAME", "NAME is not a field of the table"),
            (Assert.Single(problem.Violations).Field, problem.Violations[0].Rule)
        );
        problem = await RefusedAsync(owner, new ImportCsvRequest { TableId = table.Id, Csv = "NAME,name\na,b\n" });
        Assert.Equal(
            ("column name", "goes to Name, like another column"),
            (Assert.Single(problem.Violations).Field, problem.Violations[0].Rule)
        );
    }

    [Fact]
    public async Task Links_are_found_by_id_or_label_and_refused_where_a_label_names_none_or_several()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var link = new Field
        {
            Name = "Friends",
            Type = FieldType.Link,
            LinkTableId = table.Id,
            LinkField = "Friend of",
        };
        await data.Tables.CreateFieldAsync(new CreateFieldRequest { TableId = table.Id, Field = link }, data.As(owner));
        var ids = await data.CreateRecordsAsync(
            owner,
            table,
            """{"Name":"Ada"}""",
            """{"Name":"Smith; John"}""",
            """{"Name":"Twin"}""",
            """{"Name":"Twin"}"""
        );
        await ImportAsync(
            owner,
            new ImportCsvRequest { TableId = table.Id, Csv = $"Name,Friends\nx,\"Ada; \"\"Smith; John\"\"; {ids[2]}\"\ny,\n" }
        );
        var found = (await data.SearchAsync(owner, table, """{"operator":"IS","leftSide":"Name","rightSide":"x"}""")).Records;
        var friends = System.Text.Json.JsonDocument.Parse(Assert.Single(found).Fields.Utf8.Memory).RootElement.GetProperty("Friends");
        Assert.Equal(ids.Take(3), friends.EnumerateArray().Select(friend => friend.GetProperty("id").GetString()));

        var problem = await RefusedAsync(owner, new ImportCsvRequest { TableId = table.Id, Csv = "Name,Friends\nx,Ada\nz,Twin; Nobody\n" });
        Assert.Equal(["row 3.Friends", "row 3.Friends"], problem.Violations.Select(violation => violation.Field));
        Assert.Equal(
            [$"Twin names 2 records of Items: {ids[2]}, {ids[3]}", "Nobody is not a record of Items"],
            problem.Violations.Select(violation => violation.Rule)
        );
        Assert.Equal(6, (await data.SearchAsync(owner, table)).Records.Count);
    }

    [Theory]
    [InlineData("x,y", "x|y")]
    [InlineData("x, y", "x|y")]
    [InlineData("x;y", "x|y")]
    [InlineData("Smith, John; Doe, Jane", "Smith, John|Doe, Jane")]
    [InlineData("\"Smith, John\", x", "Smith, John|x")]
    [InlineData("say \"hi\"; x", "say \"hi\"|x")]
    [InlineData("\"a\"b; x", "\"a\"b|x")]
    public async Task A_cell_of_several_choices_is_read_as_people_write_it(string cell, string labels)
    {
        var owner = DataFixture.Owner();
        var tags = DataFixture.Of("T", FieldType.MultiSelect);
        tags.AllowNewChoices = true;
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), tags);
        await ImportAsync(
            owner,
            new ImportCsvRequest { TableId = table.Id, Csv = $"A,T\na,\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"\n" }
        );
        var record = Assert.Single((await data.SearchAsync(owner, table)).Records);
        var found = System.Text.Json.JsonDocument.Parse(record.Fields.Utf8.Memory).RootElement.GetProperty("T");
        Assert.Equal(labels.Split('|'), found.EnumerateArray().Select(label => label.GetString()));
    }

    [Fact]
    public async Task A_choice_with_a_separator_is_one_choice_where_its_parts_are_none()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("A", FieldType.Text),
            DataFixture.Of("T", FieldType.MultiSelect, "Smith, John", "x; y", "x", "y")
        );
        await ImportAsync(owner, new ImportCsvRequest { TableId = table.Id, Csv = "A,T\na,\"Smith, John\"\nb,x; y\n" });
        Assert.Equal(
            ["""{"A":"a","T":["Smith, John"]}""", """{"A":"b","T":["x","y"]}"""],
            (await data.SearchAsync(owner, table)).Records.Select(record => record.Fields.Utf8.ToStringUtf8())
        );
    }

    [Theory]
    [InlineData("A,B\n\"x\ny,1\nz,2\n", "line 2 opens a quote that is never closed")]
    [InlineData("A,B\na,1\nb,\"2\n", "line 3 opens a quote that is never closed")]
    [InlineData("A,B\n\"a\"\"\n\nb\",1\nc,\"2\"\"\n", "line 5 opens a quote that is never closed")]
    public async Task A_quote_that_is_not_closed_is_told_with_its_line(string csv, string rule)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), DataFixture.Of("B", FieldType.Text));
        var problem = await RefusedAsync(owner, new ImportCsvRequest { TableId = table.Id, Csv = csv });
        Assert.Equal(("csv", rule), (Assert.Single(problem.Violations).Field, problem.Violations[0].Rule));
    }

    [Fact]
    public async Task More_than_1000_ids_are_told_to_be_more_and_an_unknown_zone_is_refused()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        foreach (var (rows, more) in new[] { (1000, false), (1001, true) })
        {
            var answer = await ImportAsync(
                owner,
                new ImportCsvRequest { TableId = table.Id, Csv = "A\n" + string.Concat(Enumerable.Repeat("x\n", rows)) }
            );
            Assert.Equal((rows, 1000, more), (answer.Created, answer.RecordIds.Count, answer.HasMoreIds));
        }

        var request = new ImportCsvRequest
        {
            TableId = table.Id,
            Csv = "A\nx\n",
            TimeZone = "Mars/Olympus",
        };
        Assert.Equal("timeZone", Assert.Single((await RefusedAsync(owner, request)).Violations).Field);
    }

    /// <param name="request">With one row.</param>
    /// <param name="expected">The record; null where the first cell is refused.</param>
    /// <param name="hint">What the refusal names.</param>
    /// <param name="fields">Of the table.</param>
    private async Task AssertAsync(ImportCsvRequest request, string? expected, string hint, params Field[] fields)
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, [.. fields.Select(field => field.Clone()), DataFixture.Of("Rest", FieldType.Text)]);
        request.TableId = table.Id;
        if (expected is null)
        {
            var violation = Assert.Single((await RefusedAsync(owner, request)).Violations);
            Assert.Equal($"row 2.{fields[0].Name}", violation.Field);
            Assert.Contains(hint, violation.Fix, StringComparison.Ordinal);
            return;
        }

        await ImportAsync(owner, request);
        var record = Assert.Single((await data.SearchAsync(owner, table)).Records).Fields.Utf8.ToStringUtf8();
        Assert.Equal(expected[..^1] + ",\"Rest\":null}", record);
    }

    private async Task<ImportCsvResponse> ImportAsync(TestCaller caller, ImportCsvRequest request)
    {
        using var import = data.Csv.ImportCsv(request, data.As(caller));
        ImportCsvResponse? last = null;
        await foreach (var response in import.ResponseStream.ReadAllAsync())
        {
            last = response;
        }

        return last!;
    }

    private async Task<ProblemDetail> RefusedAsync(TestCaller caller, ImportCsvRequest request) =>
        Problem.Read(await Assert.ThrowsAsync<RpcException>(() => ImportAsync(caller, request)))!;
}
