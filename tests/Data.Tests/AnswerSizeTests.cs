using System.Text;
using Platform.Data.Contracts;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Data.Tests;

/// <summary>No answer is larger than the contract says, whatever people keep.</summary>
public sealed class AnswerSizeTests(DataFixture data) : IClassFixture<DataFixture>
{
    private const int Records = 60;

    [Fact]
    public async Task No_list_answers_more_than_its_bound_and_its_pages_hold_everything()
    {
        var owner = DataFixture.Owner();
        var (table, record) = await FillAsync(owner);
        var arguments = new Dictionary<string, object> { ["tableId"] = table.Id, ["recordId"] = record };
        var entries = new Dictionary<string, int>
        {
            ["export_csv"] = 0,
            ["list_databases"] = 121,
            ["list_fields"] = 7,
            ["list_record_history"] = 31,
            ["list_records"] = Records,
            ["list_tables"] = 121,
            ["list_views"] = 20,
            ["search_records"] = Records,
        };
        foreach (var tool in PagedTools.Of(DataContract.Catalogue))
        {
            var pages = await PagedTools.ReadAsync(tool, data.Channel.CreateCallInvoker(), () => data.As(owner), arguments);
            Assert.True(pages.Count > 1, $"{tool.Name} answers everything on one page, so that the test proves nothing.");
            Assert.Equal((tool.Name, entries[tool.Name]), (tool.Name, PagedTools.Entries(pages).Distinct().Count()));
            if (tool.Name == "export_csv")
            {
                Assert.Equal(Records, pages.Cast<ExportCsvResponse>().Sum(page => page.Rows));
            }
        }

        var whole = (await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(owner))).Table;
        Assert.True(JsonSize.Of(whole) <= AnswerSize.MaxAnswer);
        Assert.Equal((4, 4, true), (whole.FieldCount, whole.Fields.Count, whole.Fields[3].HasMoreChoices));
    }

    [Fact]
    public async Task A_field_with_many_choices_goes_on_in_the_next_page()
    {
        var owner = DataFixture.Owner();
        var labels = Enumerable.Range(0, 1000).Select(number => $"{number} {new string('é', 150)}").ToArray();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("Kind", FieldType.Select, labels),
            DataFixture.Of("Last", FieldType.Text)
        );
        var (read, cursor, pages) = (new List<Field>(), "", 0);
        do
        {
            var page = await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id, Cursor = cursor }, data.As(owner));
            read.AddRange(page.Fields);
            (cursor, pages) = (page.Page.NextCursor, pages + 1);
        } while (cursor.Length > 0);

        Assert.InRange(pages, 4, 8);
        Assert.Equal(["Name", "Kind", "Last"], read.Select(field => field.Name).Distinct());
        Assert.Equal(labels, read.Where(field => field.Name == "Kind").SelectMany(field => field.Choices).Select(choice => choice.Label));
        Assert.All(read, field => Assert.Equal(field.HasMoreChoices, field.Name == "Kind" && field.Choices[^1].Label != labels[^1]));
        Assert.True(table.Fields[1].HasMoreChoices);
    }

    [Fact]
    public async Task A_record_that_is_larger_leaves_out_its_longest_fields_and_says_so()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("A", FieldType.LongText),
            DataFixture.Of("B", FieldType.LongText)
        );
        var (a, b) = (Long(90_000), Long(40_000));
        var id = await data.CreateRecordAsync(owner, table, $$"""{"Name":"x","A":{{a}},"B":{{b}}}""");
        var record = await data.GetRecordAsync(owner, table, id);
        Assert.Equal($$"""{"Name":"x","B":{{b}}}""", Plain(record));
        var (field, bytes) = Assert.Single(record.LeftOut);
        Assert.Equal("A", field);
        Assert.InRange(bytes, Encoding.UTF8.GetByteCount(a), 2 * Encoding.UTF8.GetByteCount(a));

        // Asked for alone, the field comes whole.
        var request = new GetRecordRequest
        {
            TableId = table.Id,
            RecordId = id,
            ReturnFields = { "A" },
        };
        var alone = (await data.Records.GetRecordAsync(request, data.As(owner))).Record;
        Assert.Equal($$"""{"A":{{a}}}""", Plain(alone));
        Assert.Empty(alone.LeftOut);

        // An export is for files: it has every value.
        var csv = (await ExportAsync(owner, new ExportCsvRequest { TableId = table.Id })).Csv;
        Assert.Equal(130_000 / 9, csv.Split('~').Length - 1);
    }

    [Fact]
    public async Task Records_that_were_created_are_returned_as_far_as_an_answer_goes()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text), DataFixture.Of("A", FieldType.LongText));
        var request = DataFixture.New(table, [.. Enumerable.Repeat($$"""{"A":{{Long(20_000)}}}""", 12)]);
        request.ReturnFields.Add("*");
        var answer = await data.Records.CreateRecordsAsync(request, data.As(owner));
        Assert.True(JsonSize.Of(answer) <= AnswerSize.MaxAnswer);
        Assert.Equal(12, answer.RecordIds.Count);
        Assert.True(answer.HasMoreRecords);
        Assert.InRange(answer.Records.Count, 1, 4);
        Assert.Equal(answer.RecordIds.Take(answer.Records.Count), answer.Records.Select(record => record.Id));
    }

    [Fact]
    public async Task An_export_takes_more_bytes_where_its_caller_says_so()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text), DataFixture.Of("A", FieldType.LongText));
        await data.CreateRecordsAsync(owner, table, [.. Enumerable.Repeat($$"""{"A":{{Long(20_000)}}}""", 12)]);
        var usual = await ExportAsync(owner, new ExportCsvRequest { TableId = table.Id });
        Assert.True(usual.Page.HasMore);
        Assert.InRange(usual.Rows, 1, 4);
        var wide = await ExportAsync(owner, new ExportCsvRequest { TableId = table.Id, MaxBytes = 1_000_000 });
        Assert.Equal((12, false), (wide.Rows, wide.Page.HasMore));
    }

    [Fact]
    public async Task The_preview_of_a_deletion_is_bounded()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var ids = await data.CreateRecordsAsync(owner, table, [.. Enumerable.Repeat($$"""{"A":{{Long(9_000)}}}""", 20)]);
        var problem = await data
            .Records.DeleteRecordsAsync(new DeleteRecordsRequest { TableId = table.Id, RecordIds = { ids } }, data.As(owner))
            .ProblemAsync();
        Assert.InRange(problem.Confirmation.Preview.Utf8.Length, 5_000, AnswerSize.MaxPreview);
    }

    [Fact]
    public async Task A_view_cannot_keep_a_filter_that_no_list_of_views_could_show()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var filter = $$"""{"operator":"IS_ONE_OF","leftSide":"A","rightSide":[{{string.Join(',', Enumerable.Repeat(Long(2_000), 10))}}]}""";
        var request = new CreateViewRequest
        {
            TableId = table.Id,
            Name = "V",
            Filter = DataFixture.Json(filter),
        };
        Assert.Equal("filter", Assert.Single((await data.Views.CreateViewAsync(request, data.As(owner)).ProblemAsync()).Violations).Field);
    }

    // 121 databases, 121 tables, 20 views, a table of 60 records with long texts, one of them changed 30 times.
    private async Task<(Table Table, string Record)> FillAsync(TestCaller owner)
    {
        var description = string.Concat(Enumerable.Repeat("é\"\n\U0001F600", 250));
        var names = Enumerable.Range(0, 120).Select(number => $"{number:d3}" + string.Concat(Enumerable.Repeat("\U0001F600", 90))).ToList();
        foreach (var name in names)
        {
            await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = name, Description = description }, data.As(owner));
        }

        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("Name", FieldType.Text),
            DataFixture.Of("A", FieldType.LongText),
            DataFixture.Of("B", FieldType.LongText),
            DataFixture.Of("Kind", FieldType.Select, [.. names.SelectMany(name => new[] { name + "1", name + "2" })])
        );
        foreach (var name in names)
        {
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = table.DatabaseId,
                    Name = name,
                    Description = description,
                    Fields = { DataFixture.Of("A", FieldType.Text) },
                },
                data.As(owner)
            );
        }

        foreach (var name in names.Take(20))
        {
            var filter = $$"""{"operator":"CONTAINS","leftSide":"A","rightSide":"x"}""";
            var all =
                $$"""{"operator":"OR","conditions":[{{string.Join(',', Enumerable.Repeat(filter, 95))}}]}""" + new string(' ', 10_000);
            await data.Views.CreateViewAsync(
                new CreateViewRequest
                {
                    TableId = table.Id,
                    Name = name,
                    Filter = DataFixture.Json(all),
                },
                data.As(owner)
            );
        }

        var ids = new List<string>();
        for (var i = 0; i < Records; i++)
        {
            ids.Add(await data.CreateRecordAsync(owner, table, $$"""{"Name":"{{i}}","A":{{Long(i * 200)}},"B":{{Long(20_000)}}}"""));
        }

        for (var i = 0; i < 30; i++)
        {
            var request = new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = ids[0],
                Fields = DataFixture.Json($$"""{"A":{{Long(10_000 + i)}}}"""),
            };
            await data.Records.UpdateRecordAsync(request, data.As(owner));
        }

        return (table, ids[0]);
    }

    /// <summary>The fields of a record, with line ends written as in these tests.</summary>
    private static string Plain(Contracts.V1.Record record) =>
        record.Fields.Utf8.ToStringUtf8().Replace("\\u000a", "\\n", StringComparison.Ordinal);

    private async Task<ExportCsvResponse> ExportAsync(TestCaller caller, ExportCsvRequest request)
    {
        using var call = data.Csv.ExportCsv(request, data.As(caller));
        ExportCsvResponse? last = null;
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            last = call.ResponseStream.Current;
        }

        return last!;
    }

    /// <summary>A JSON text of so many characters that takes more bytes than that, as data writes it.</summary>
    private static string Long(int length) =>
        $"\"{string.Concat(Enumerable.Repeat("\\\"a\\\\\\n😀é~.", length / 9))}{new string('x', length % 9)}\"";
}
