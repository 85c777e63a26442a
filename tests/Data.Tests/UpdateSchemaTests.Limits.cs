using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class UpdateSchemaTests
{
    [Fact]
    public async Task Required_and_unique_hold_from_the_moment_they_are_set_and_not_before_values_fit()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), DataFixture.Of("N", FieldType.Number));
        var ids = await data.CreateRecordsAsync(owner, table, """{"A":"x","N":1}""", """{"A":"x"}""", """{"N":2}""");
        Assert.Contains(
            "1 records",
            Assert.Single((await Set("A", required: true).ProblemAsync()).Violations).Rule,
            StringComparison.Ordinal
        );
        var shared = Assert.Single((await Set("A", unique: true).ProblemAsync()).Violations);
        Assert.Contains($"{ids[0]}, {ids[1]}", shared.Rule, StringComparison.Ordinal);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Set("N", unique: true).ResponseAsync));
        Assert.Equal(
            "VALUE_TAKEN",
            (await data.Records.CreateRecordsAsync(DataFixture.New(table, """{"N":2.0}"""), data.As(owner)).ProblemAsync()).Reason
        );
        await Set("N", unique: false);
        await data.CreateRecordAsync(owner, table, """{"A":"y","N":2}""");
        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = ids[2],
                Fields = DataFixture.Json("""{"A":"z"}"""),
            },
            data.As(owner)
        );
        Assert.True((await Set("A", required: true)).Field.Required);
        Assert.Equal(
            "records[0].fields.A",
            Assert
                .Single((await data.Records.CreateRecordsAsync(DataFixture.New(table, "{}"), data.As(owner)).ProblemAsync()).Violations)
                .Field
        );

        Grpc.Core.AsyncUnaryCall<UpdateFieldResponse> Set(string field, bool? required = null, bool? unique = null)
        {
            var request = new UpdateFieldRequest { TableId = table.Id, Field = field };
            if (required is { } mustExist)
            {
                request.Required = mustExist;
            }

            if (unique is { } mustDiffer)
            {
                request.Unique = mustDiffer;
            }

            return data.Tables.UpdateFieldAsync(request, data.As(owner));
        }
    }

    [Fact]
    public async Task Limits_are_loosened_and_tightened_as_far_as_the_values_fit()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            new Field
            {
                Name = "A",
                Type = FieldType.Text,
                MaxLength = 5,
            },
            new Field
            {
                Name = "N",
                Type = FieldType.Number,
                Precision = 2,
            }
        );
        var ids = await data.CreateRecordsAsync(
            owner,
            table,
            """{"A":"äöü😀x","N":1.25}""",
            """{"A":"abcd","N":1.50}""",
            """{"A":"ab","N":3}"""
        );
        var refused = (await Set(new() { Field = "A", MaxLength = 3 }).ProblemAsync()).Violations;
        Assert.Equal(
            $"maxLength cannot be 3 while 2 records are longer: {ids[0]}, {ids[1]}",
            $"{refused[0].Field} {Assert.Single(refused).Rule}"
        );
        refused = (await Set(new() { Field = "N", Precision = 1 }).ProblemAsync()).Violations;
        Assert.Equal(
            $"precision cannot be 1 while 1 records have more decimal places: {ids[0]}",
            $"{refused[0].Field} {Assert.Single(refused).Rule}"
        );
        Assert.Equal((5, 2), await LimitsAsync());

        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = table.Id,
                RecordId = ids[0],
                Fields = DataFixture.Json("""{"A":null,"N":1.5}"""),
            },
            data.As(owner)
        );
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Set(new() { Field = "A", MaxLength = 4 }).ResponseAsync));
        await Set(new() { Field = "N", Precision = 1 });
        Assert.Equal((4, 1), await LimitsAsync());
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(FieldUpdated)
        );
        Assert.Equal([new SchemaChange("maxLength", "5", "4")], announced.Read<FieldUpdated>().Changes);
        var problem = await data
            .Records.CreateRecordsAsync(DataFixture.New(table, """{"A":"abcde"}""", """{"N":0.01}"""), data.As(owner))
            .ProblemAsync();
        Assert.Equal(["records[0].fields.A", "records[1].fields.N"], problem.Violations.Select(violation => violation.Field));

        Assert.False((await Set(new() { Field = "A", ClearLimits = true })).Field.HasMaxLength);
        await Set(new() { Field = "N", Precision = 20 });
        await data.CreateRecordAsync(owner, table, $$"""{"A":"{{new string('x', 10_000)}}","N":0.00000000000000000001}""");
        Assert.Equal(10_000, (await Set(new() { Field = "A", MaxLength = 10_000 })).Field.MaxLength);
        foreach (
            var (request, field) in new[]
            {
                (new UpdateFieldRequest { Field = "N", MaxLength = 3 }, "maxLength"),
                (new() { Field = "A", Precision = 3 }, "precision"),
                (new() { Field = "A", Single = false }, "single"),
                (
                    new()
                    {
                        Field = "A",
                        MaxLength = 3,
                        ClearLimits = true,
                    },
                    "clearLimits"
                ),
                (new() { Field = "A", MaxLength = 0 }, "maxLength"),
                (
                    new()
                    {
                        Field = "A",
                        MaxLength = 501,
                        Unique = true,
                    },
                    "maxLength"
                ),
            }
        )
        {
            Assert.Equal(field, Assert.Single((await Set(request).ProblemAsync()).Violations).Field);
        }

        var again = Set(new() { Field = "N", Precision = 20 });
        await again;
        Assert.Equal("unchanged", again.GetTrailers().GetValue("x-outcome"));

        Grpc.Core.AsyncUnaryCall<UpdateFieldResponse> Set(UpdateFieldRequest request)
        {
            request.TableId = table.Id;
            return data.Tables.UpdateFieldAsync(request, data.As(owner));
        }

        async Task<(int, int)> LimitsAsync()
        {
            var fields = (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(owner))).Fields;
            return (fields[0].MaxLength, fields[1].Precision);
        }
    }

    [Fact]
    public async Task A_link_becomes_single_when_no_record_holds_more_and_both_sides_know()
    {
        var owner = DataFixture.Owner();
        var people = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest
            {
                TableId = people.Id,
                Field = new Field
                {
                    Name = "Parent",
                    Type = FieldType.Link,
                    LinkTableId = people.Id,
                    LinkField = "Children",
                },
            },
            data.As(owner)
        );
        var ids = await data.CreateRecordsAsync(owner, people, """{"Name":"Ada"}""", """{"Name":"Bob"}""");
        var child = await data.CreateRecordAsync(owner, people, $$"""{"Name":"Cid","Parent":["{{ids[0]}}","{{ids[1]}}"]}""");
        var request = new UpdateFieldRequest
        {
            TableId = people.Id,
            Field = "Parent",
            Single = true,
        };
        Assert.Equal(
            $"cannot be set while 1 records hold more than one link, deleted ones counted: {child}",
            Assert.Single((await data.Tables.UpdateFieldAsync(request, data.As(owner)).ProblemAsync()).Violations).Rule
        );
        await data.Records.UpdateRecordAsync(
            new UpdateRecordRequest
            {
                TableId = people.Id,
                RecordId = ids[1],
                Fields = DataFixture.Json("""{"Children":null}"""),
            },
            data.As(owner)
        );
        Assert.True((await data.Tables.UpdateFieldAsync(request, data.As(owner))).Field.Single);
        foreach (
            var (id, fields) in new[]
            {
                (child, $$"""{"Parent":["{{ids[0]}}","{{ids[1]}}"]}"""),
                (ids[1], $$"""{"Children":["{{child}}"]}"""),
            }
        )
        {
            var update = new UpdateRecordRequest
            {
                TableId = people.Id,
                RecordId = id,
                Fields = DataFixture.Json(fields),
            };
            Assert.Equal("INVALID_ARGUMENT", (await data.Records.UpdateRecordAsync(update, data.As(owner)).ProblemAsync()).Reason);
        }

        Assert.Equal(
            "single",
            Assert
                .Single(
                    (
                        await data
                            .Tables.UpdateFieldAsync(
                                new UpdateFieldRequest
                                {
                                    TableId = people.Id,
                                    Field = "Children",
                                    Single = true,
                                },
                                data.As(owner)
                            )
                            .ProblemAsync()
                    ).Violations
                )
                .Field
        );
    }
}
