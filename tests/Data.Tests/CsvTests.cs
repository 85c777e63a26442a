using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class CsvTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task What_was_exported_can_be_imported_again_value_by_value()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        await data.CreateRecordsAsync(
            owner,
            table,
            """
            {"Text":"Ada \"the\", 😀","Long":"a\nb","Number":"-12345678901234567890.5","Checkbox":true,"Select":"Green",
             "Multi":["Blue","Red"],"Date":"2026-05-01","Moment":"2026-05-01T12:00:00.123456+02:00",
             "Email":"ada@example.com","Url":"https://example.com/a?b=c"}
            """,
            "{}",
            """{"Text":"x;y","Checkbox":false}"""
        );
        var exported = (await ExportAsync(owner, new ExportCsvRequest { TableId = table.Id })).Answer;
        Assert.Equal((3, false), (exported.Rows, exported.Page.HasMore));
        Assert.Equal(
            "Text,Long,Number,Checkbox,Select,Multi,Date,Moment,Email,Url\r\n"
                + "\"Ada \"\"the\"\", 😀\",\"a\nb\",-12345678901234567890.5,true,Green,Blue; Red,"
                + "2026-05-01,2026-05-01T10:00:00.123456Z,ada@example.com,https://example.com/a?b=c\r\n"
                + ",,,,,,,,,\r\nx;y,,,false,,,,,,\r\n",
            exported.Csv
        );

        var copy = await data.CreateTableOfAllTypesAsync(owner);
        Assert.Equal(3, (await ImportAsync(owner, copy, "\ufeff" + exported.Csv)).Answer.Created);
        Assert.Equal(
            (await data.SearchAsync(owner, table)).Records.Select(record => record.Fields.Utf8.ToStringUtf8()),
            (await data.SearchAsync(owner, copy)).Records.Select(record => record.Fields.Utf8.ToStringUtf8())
        );
    }

    [Fact]
    public async Task Thousands_of_rows_are_imported_in_order_with_progress_and_one_change_in_history()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number), DataFixture.Of("T", FieldType.Text));
        var csv = "N,T\n" + string.Concat(Enumerable.Range(0, 5000).Select(n => $"{n},t{n}\n"));
        var (answer, progress) = await ImportAsync(owner, table, csv);
        Assert.Equal((5000, 1000), (answer.Created, answer.RecordIds.Count));
        Assert.Equal([(1000d, 5000d), (2000, 5000), (3000, 5000), (4000, 5000)], progress.Select(step => (step.Done, step.Total)));
        Assert.Equal(
            5000,
            await data.ScalarAsync<int>(
                "select cardinality(record_ids) from data.record_change where workspace_id = $1 and kind = 'created'",
                owner.Workspace
            )
        );
        var announced = (
            await data.Events.WaitAsync(happened => happened.WorkspaceId == owner.Workspace && happened.Type == nameof(RecordsCreated))
        ).Read<RecordsCreated>();
        Assert.Equal((5000, 1000), (announced.Count, announced.RecordIds.Count));

        var (exported, steps) = await ExportAsync(
            owner,
            new ExportCsvRequest
            {
                TableId = table.Id,
                Limit = 1200,
                Fields = { "N" },
            }
        );
        Assert.Equal("N\r\n" + string.Concat(Enumerable.Range(0, 1200).Select(n => $"{n}\r\n")), exported.Csv);
        Assert.Equal([(500d, 1200d), (1000, 1200)], steps.Select(step => (step.Done, step.Total)));
        var rest = (
            await ExportAsync(
                owner,
                new ExportCsvRequest
                {
                    TableId = table.Id,
                    Cursor = exported.Page.NextCursor,
                    Fields = { "N" },
                }
            )
        ).Answer;
        Assert.Equal((3800, false, "N\r\n1200"), (rest.Rows, rest.Page.HasMore, rest.Csv[..7]));
    }

    [Fact]
    public async Task Every_fault_is_told_by_row_and_column_and_nothing_is_imported()
    {
        var owner = DataFixture.Owner();
        var (sku, name) = (DataFixture.Of("Sku", FieldType.Text), DataFixture.Of("Name", FieldType.Text));
        (sku.Unique, name.Required) = (true, true);
        var table = await data.CreateTableAsync(
            owner,
            sku,
            name,
            DataFixture.Of("N", FieldType.Number),
            DataFixture.Of("C", FieldType.Checkbox),
            DataFixture.Of("S", FieldType.Select, "x")
        );
        var taken = await data.CreateRecordAsync(owner, table, """{"Sku":"taken","Name":"a"}""");
        var problem = await RefusedAsync("Sku,Name,N,C,S\na,n,1,yes,x\nb,,1,000,maybe,y\n");
        Assert.Equal("row 3", Assert.Single(problem.Violations).Field);
        problem = await RefusedAsync("Sku,Name,N,C,S\na,n,1.5e2,yes,x\na,,\"1,000\",maybe,y\n");
        Assert.Equal(["row 3.N", "row 3.C", "row 3.S", "row 3.Name", "row 3.Sku"], problem.Violations.Select(violation => violation.Field));
        problem = await RefusedAsync("Sku,Name\nfree,a\ntaken,b\n");
        Assert.Equal(
            ("VALUE_TAKEN", "row 3.Sku", $"is the value of {taken}"),
            (problem.Reason, Assert.Single(problem.Violations).Field, problem.Violations[0].Rule)
        );
        Assert.Equal(
            ["column Nope", "column Name"],
            (await RefusedAsync("Sku,Nope,Name,Name\na,b,c,d\n")).Violations.Select(violation => violation.Field)
        );
        Assert.Equal("columns.Other", Assert.Single((await RefusedAsync("Sku,Name\na,b\n", ("Other", "Sku"))).Violations).Field);
        Assert.Equal("column N", Assert.Single((await RefusedAsync("Sku,N\na,b\n", ("N", "Sku"))).Violations).Field);
        foreach (
            var csv in new[]
            {
                "\ufeff",
                "Sku,Name\n",
                "Sku,Name\n\"a\"b,c\n",
                "Sku,Name\n" + string.Concat(Enumerable.Repeat("a,b\n", 10_001)),
            }
        )
        {
            Assert.Equal("csv", Assert.Single((await RefusedAsync(csv)).Violations).Field);
        }

        Assert.Single((await data.SearchAsync(owner, table)).Records);

        async Task<ProblemDetail> RefusedAsync(string csv, params (string Column, string Field)[] columns)
        {
            var exception = await Assert.ThrowsAsync<RpcException>(() => ImportAsync(owner, table, csv, columns));
            return Problem.Read(exception)!;
        }
    }

    [Fact]
    public async Task Columns_are_mapped_or_left_out_and_lines_may_end_and_cells_be_parted_in_other_ways()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), DataFixture.Of("B", FieldType.Checkbox));
        var request = new ImportCsvRequest
        {
            TableId = table.Id,
            Csv = "Title;Skip;Done\r\n\"x;\r\ny\";1;NO\r\n",
            Delimiter = ";",
            Columns =
            {
                { "Title", "A" },
                { "Skip", "" },
                { "Done", table.Fields[1].Id },
            },
        };
        await ReadAsync(data.Csv.ImportCsv(request, data.As(owner)).ResponseStream, response => response.Progress);
        Assert.Equal(
            """{"A":"x;\r\ny","B":false}""",
            Assert.Single((await data.SearchAsync(owner, table)).Records).Fields.Utf8.ToStringUtf8()
        );
    }

    [Fact]
    public async Task Values_are_exported_as_they_are_and_for_a_spreadsheet_behind_an_apostrophe_which_the_import_takes_off()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("=A", FieldType.Text), DataFixture.Of("N", FieldType.Number));
        var ids = await data.CreateRecordsAsync(
            owner,
            table,
            """{"=A":"=1+1","N":-1}""",
            """{"=A":"+49 30 1234"}""",
            """{"=A":"'=x"}""",
            """{"=A":"'tis"}""",
            """{"=A":"a=1"}"""
        );
        Assert.Equal(
            "=A,N\r\n=1+1,-1\r\n+49 30 1234,\r\n'=x,\r\n'tis,\r\na=1,\r\n",
            (await ExportAsync(owner, new ExportCsvRequest { TableId = table.Id })).Answer.Csv
        );
        var guarded = (
            await ExportAsync(
                owner,
                new ExportCsvRequest
                {
                    TableId = table.Id,
                    Spreadsheet = true,
                    WithIds = true,
                }
            )
        ).Answer.Csv;
        Assert.Equal(
            $"id,'=A,N\r\n{ids[0]},'=1+1,-1\r\n{ids[1]},'+49 30 1234,\r\n{ids[2]},''=x,\r\n{ids[3]},'tis,\r\n{ids[4]},a=1,\r\n",
            guarded
        );

        var copy = await data.CreateTableAsync(owner, DataFixture.Of("=A", FieldType.Text), DataFixture.Of("N", FieldType.Number));
        var request = new ImportCsvRequest
        {
            TableId = copy.Id,
            Csv = guarded,
            Spreadsheet = true,
        };
        await ReadAsync(data.Csv.ImportCsv(request, data.As(owner)).ResponseStream, response => response.Progress);
        Assert.Equal(
            (await data.SearchAsync(owner, table)).Records.Select(record => record.Fields.Utf8.ToStringUtf8()),
            (await data.SearchAsync(owner, copy)).Records.Select(record => record.Fields.Utf8.ToStringUtf8())
        );
    }

    [Fact]
    public async Task Views_filters_and_links_are_exported_as_asked()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest
            {
                TableId = table.Id,
                Field = new Contracts.V1.Field
                {
                    Name = "Parents",
                    Type = FieldType.Link,
                    LinkTableId = table.Id,
                    LinkField = "Children",
                },
            },
            data.As(owner)
        );
        var ids = await data.CreateRecordsAsync(owner, table, """{"A":"a"}""", """{"A":"b"}""");
        await ImportAsync(owner, table, $"A,Parents\nc,{ids[0]}; {ids[1]}\n");
        await data.Views.CreateViewAsync(
            new CreateViewRequest
            {
                TableId = table.Id,
                Name = "V",
                Fields = { "Parents" },
                Sorting =
                {
                    new Sorting { SortingField = "A", SortType = "DESC" },
                },
            },
            data.As(owner)
        );
        var request = new ExportCsvRequest
        {
            TableId = table.Id,
            View = "V",
            Filter = DataFixture.Json("""{"operator":"IS_NOT","leftSide":"A","rightSide":"b"}"""),
        };
        Assert.Equal($"Parents\r\n{ids[0]}; {ids[1]}\r\n\"\"\r\n", (await ExportAsync(owner, request)).Answer.Csv);
        Assert.Equal(
            "fields[0]",
            Assert
                .Single(
                    Problem
                        .Read(
                            await Assert.ThrowsAsync<RpcException>(() =>
                                ExportAsync(owner, new ExportCsvRequest { TableId = table.Id, Fields = { "Nope" } })
                            )
                        )!
                        .Violations
                )
                .Field
        );
    }

    [Fact]
    public async Task Eight_imports_with_one_key_import_once_and_a_dry_run_none()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var request = new ImportCsvRequest { TableId = table.Id, Csv = "A\nx\n" };
        await ReadAsync(data.Csv.ImportCsv(request, data.As(owner, dryRun: true)).ResponseStream, response => response.Progress);
        Assert.Empty((await data.SearchAsync(owner, table)).Records);
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(_ =>
                    ReadAsync(data.Csv.ImportCsv(request, data.As(owner, idempotencyKey: "i")).ResponseStream, response =>
                        response.Progress
                    )
                )
        );
        Assert.Single(answers.Select(answer => Assert.Single(answer.Answer.RecordIds)).Distinct());
        Assert.Single((await data.SearchAsync(owner, table)).Records);
    }

    [Fact]
    public async Task Viewers_export_only_and_others_find_nothing()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var viewer = owner with { Role = Roles.Viewer };
        await ExportAsync(viewer, new ExportCsvRequest { TableId = table.Id });
        Assert.Equal("PERMISSION_DENIED", await ReasonAsync(() => ImportAsync(viewer, table, "A\nx\n")));
        foreach (var stranger in new[] { DataFixture.Owner(), owner with { Environment = Ids.New() } })
        {
            Assert.Equal("NOT_FOUND", await ReasonAsync(() => ImportAsync(stranger, table, "A\nx\n")));
            Assert.Equal("NOT_FOUND", await ReasonAsync(() => ExportAsync(stranger, new ExportCsvRequest { TableId = table.Id })));
        }

        static async Task<string> ReasonAsync(Func<Task> call) => Problem.Read(await Assert.ThrowsAsync<RpcException>(call))!.Reason;
    }

    private Task<(ImportCsvResponse Answer, List<Progress> Steps)> ImportAsync(
        TestCaller caller,
        Table table,
        string csv,
        params (string Column, string Field)[] columns
    )
    {
        var request = new ImportCsvRequest { TableId = table.Id, Csv = csv };
        foreach (var (column, field) in columns)
        {
            request.Columns.Add(column, field);
        }

        return ReadAsync(data.Csv.ImportCsv(request, data.As(caller)).ResponseStream, response => response.Progress);
    }

    private Task<(ExportCsvResponse Answer, List<Progress> Steps)> ExportAsync(TestCaller caller, ExportCsvRequest request) =>
        ReadAsync(data.Csv.ExportCsv(request, data.As(caller)).ResponseStream, response => response.Progress);

    private static async Task<(T Answer, List<Progress> Steps)> ReadAsync<T>(IAsyncStreamReader<T> stream, Func<T, Progress?> progressOf)
    {
        var steps = new List<Progress>();
        while (await stream.MoveNext(CancellationToken.None))
        {
            if (progressOf(stream.Current) is not { } progress)
            {
                var answer = stream.Current;
                Assert.False(await stream.MoveNext(CancellationToken.None));
                return (answer, steps);
            }

            steps.Add(progress);
        }

        throw new InvalidOperationException("The stream ended without an answer.");
    }
}
