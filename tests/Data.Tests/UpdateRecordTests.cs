using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class UpdateRecordTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task Only_the_given_fields_change_and_history_keeps_what_they_were()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text), DataFixture.Of("N", FieldType.Number));
        var id = await data.CreateRecordAsync(owner, table, """{"Name":"Ada","N":1.50}""");
        var editor = owner with { Member = Ids.New(), Role = Roles.Editor };
        var updated = (await data.Records.UpdateRecordAsync(Change(table, id, """{"N":2}""", "*"), data.As(editor))).Record;

        Assert.Equal((2, """{"Name":"Ada","N":2}"""), (updated.Version, updated.Fields.Utf8.ToStringUtf8()));
        var read = await data.GetRecordAsync(owner, table, id);
        Assert.Equal((Ids.Format("mbr", owner.Member!.Value), Ids.Format("mbr", editor.Member!.Value)), (read.CreatedBy, read.UpdatedBy));
        var column = "c_" + table.Fields[1].Id["fld_".Length..];
        Assert.Equal(
            $"1 | updated | 1.50 | {Ids.Format("mbr", owner.Member.Value)}",
            await data.ScalarAsync<string>(
                """
                select concat_ws(' | ', b.version, c.kind, b.before ->> $2, b.before ->> 'updated_by')
                from data.record_before b join data.record_change c on c.id = b.change_id where b.workspace_id = $1
                """,
                owner.Workspace,
                column
            )
        );

        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(RecordUpdated)
        );
        Assert.Equal([table.Fields[1].Id], announced.Read<RecordUpdated>().FieldIds);
    }

    [Fact]
    public async Task Null_and_the_empty_text_clear()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("A", FieldType.Text),
            DataFixture.Of("B", FieldType.MultiSelect, "x")
        );
        var id = await data.CreateRecordAsync(owner, table, """{"A":"a","B":["x"]}""");
        var cleared = (await data.Records.UpdateRecordAsync(Change(table, id, """{"A":"","B":[]}""", "*"), data.As(owner))).Record;
        Assert.Equal("""{"A":null,"B":null}""", cleared.Fields.Utf8.ToStringUtf8());
    }

    [Fact]
    public async Task Another_version_than_expected_is_refused()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var id = await data.CreateRecordAsync(owner, table, """{"N":1}""");
        var change = Change(table, id, """{"N":2}""");
        change.ExpectedVersion = 1;
        var racing = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async n =>
                {
                    var mine = change.Clone();
                    mine.Fields = DataFixture.Json($$"""{"N":{{n + 10}}}""");
                    try
                    {
                        return (await data.Records.UpdateRecordAsync(mine, data.As(owner))).Record.Version;
                    }
                    catch (Grpc.Core.RpcException exception)
                    {
                        Assert.Equal("VERSION_CONFLICT", ServiceDefaults.Calls.Problem.Read(exception)!.Reason);
                        return 0;
                    }
                })
        );
        Assert.Equal(2, racing.Max());
        Assert.Equal(7, racing.Count(version => version == 0));
    }

    [Fact]
    public async Task Eight_at_once_are_all_done_one_after_the_other_and_history_has_every_step()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var id = await data.CreateRecordAsync(owner, table, """{"N":0}""");
        await Task.WhenAll(
            Enumerable
                .Range(1, 8)
                .Select(n => data.Records.UpdateRecordAsync(Change(table, id, $$"""{"N":{{n}}}"""), data.As(owner)).ResponseAsync)
        );

        var record = await data.GetRecordAsync(owner, table, id);
        Assert.Equal(9, record.Version);
        var column = "c_" + table.Fields[0].Id["fld_".Length..];
        var last = int.Parse(record.Fields.Utf8.ToStringUtf8()[5..^1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(
            Enumerable.Range(0, 9).Sum() - last,
            await data.ScalarAsync<long>(
                "select sum((before ->> $2)::int) from data.record_before where workspace_id = $1",
                owner.Workspace,
                column
            )
        );
        Assert.Equal(
            "1,2,3,4,5,6,7,8",
            await data.ScalarAsync<string>(
                "select string_agg(version::text, ',' order by version) from data.record_before where workspace_id = $1",
                owner.Workspace
            )
        );
    }

    [Fact]
    public async Task The_same_values_again_are_no_change()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var id = await data.CreateRecordAsync(owner, table, """{"N":1}""");
        var call = data.Records.UpdateRecordAsync(Change(table, id, """{"N":1}""", "*"), data.As(owner));
        Assert.Equal((1, """{"N":1}"""), ((await call).Record.Version, (await call).Record.Fields.Utf8.ToStringUtf8()));
        Assert.Equal("unchanged", call.GetTrailers().GetValue("x-outcome"));
        Assert.Equal(0L, await data.ScalarAsync<long>("select count(*) from data.record_before where workspace_id = $1", owner.Workspace));
    }

    [Fact]
    public async Task A_repeat_with_an_idempotency_key_changes_once()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var id = await data.CreateRecordAsync(owner, table, """{"N":1}""");
        var first = await data.Records.UpdateRecordAsync(Change(table, id, """{"N":2}"""), data.As(owner, idempotencyKey: "u"));
        await data.Records.UpdateRecordAsync(Change(table, id, """{"N":3}"""), data.As(owner));
        Assert.Equal(first, await data.Records.UpdateRecordAsync(Change(table, id, """{"N":2}"""), data.As(owner, idempotencyKey: "u")));
        Assert.Equal("""{"N":3}""", (await data.GetRecordAsync(owner, table, id)).Fields.Utf8.ToStringUtf8());
    }

    [Fact]
    public async Task What_does_not_fit_or_does_not_exist_is_refused()
    {
        var owner = DataFixture.Owner();
        var name = DataFixture.Of("Name", FieldType.Text);
        (name.Required, name.Unique) = (true, true);
        var table = await data.CreateTableAsync(owner, name, DataFixture.Of("N", FieldType.Number));
        var ids = await data.CreateRecordsAsync(owner, table, """{"Name":"a"}""", """{"Name":"b"}""");

        Assert.Equal("fields.Name", Assert.Single((await Refused("""{"Name":null}""")).Violations).Field);
        Assert.Equal("fields.Nope", Assert.Single((await Refused("""{"Nope":1}""")).Violations).Field);
        Assert.Equal("fields", Assert.Single((await Refused("{}")).Violations).Field);
        var taken = await Refused("""{"Name":"b"}""");
        Assert.Equal(("VALUE_TAKEN", $"is the value of {ids[1]}"), (taken.Reason, Assert.Single(taken.Violations).Rule));
        Assert.Equal(
            "NOT_FOUND",
            (
                await data
                    .Records.UpdateRecordAsync(Change(table, Ids.Format("rec", Ids.New()), """{"N":1}"""), data.As(owner))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (
                await data
                    .Records.UpdateRecordAsync(Change(table, ids[0], """{"N":1}"""), data.As(owner with { Environment = Ids.New() }))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "NOT_FOUND",
            (await data.Records.UpdateRecordAsync(Change(table, ids[0], """{"N":1}"""), data.As(DataFixture.Owner())).ProblemAsync()).Reason
        );
        Assert.Equal(
            "PERMISSION_DENIED",
            (
                await data
                    .Records.UpdateRecordAsync(Change(table, ids[0], """{"N":1}"""), data.As(owner with { Role = Roles.Viewer }))
                    .ProblemAsync()
            ).Reason
        );

        async Task<ProblemDetail> Refused(string fields) =>
            await data.Records.UpdateRecordAsync(Change(table, ids[0], fields), data.As(owner)).ProblemAsync();
    }

    private static UpdateRecordRequest Change(Table table, string id, string fields, params string[] returnFields) =>
        new()
        {
            TableId = table.Id,
            RecordId = id,
            Fields = DataFixture.Json(fields),
            ReturnFields = { returnFields },
        };
}
