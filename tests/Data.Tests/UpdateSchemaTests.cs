using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed class UpdateSchemaTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task A_database_is_renamed_once_and_what_is_as_it_was_is_no_change()
    {
        var owner = DataFixture.Owner();
        var created = await data.CreateDatabaseAsync(owner, "Shop");
        await data.CreateDatabaseAsync(owner, "Taken");
        var request = new UpdateDatabaseRequest
        {
            DatabaseId = created.Id,
            Name = "Store",
            Description = "all of it",
        };
        await data.Databases.UpdateDatabaseAsync(request, data.As(owner, dryRun: true));
        Assert.Equal(
            "Shop",
            (await data.Databases.GetDatabaseAsync(new GetDatabaseRequest { DatabaseId = created.Id }, data.As(owner))).Database.Name
        );

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => data.Databases.UpdateDatabaseAsync(request, data.As(owner)).ResponseAsync));
        var read = (await data.Databases.GetDatabaseAsync(new GetDatabaseRequest { DatabaseId = created.Id }, data.As(owner))).Database;
        Assert.Equal(("Store", "all of it"), (read.Name, read.Description));
        var again = data.Databases.UpdateDatabaseAsync(request, data.As(owner));
        Assert.Equal(read, (await again).Database);
        Assert.Equal("unchanged", again.GetTrailers().GetValue("x-outcome"));
        await data.Databases.UpdateDatabaseAsync(new UpdateDatabaseRequest { DatabaseId = created.Id, Description = "" }, data.As(owner));
        Assert.Equal(
            "",
            (await data.Databases.GetDatabaseAsync(new GetDatabaseRequest { DatabaseId = created.Id }, data.As(owner))).Database.Description
        );

        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(DatabaseUpdated)
        );
        Assert.Equal("database.updated", announced.Action);
        Assert.Equal(
            [new SchemaChange("name", "Shop", "Store"), new SchemaChange("description", "", "all of it")],
            announced.Read<DatabaseUpdated>().Changes
        );
        Assert.Equal(
            "NAME_TAKEN",
            (
                await data
                    .Databases.UpdateDatabaseAsync(new UpdateDatabaseRequest { DatabaseId = created.Id, Name = "TAKEN" }, data.As(owner))
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(
            "name",
            Assert
                .Single(
                    (
                        await data
                            .Databases.UpdateDatabaseAsync(new UpdateDatabaseRequest { DatabaseId = created.Id, Name = "" }, data.As(owner))
                            .ProblemAsync()
                    ).Violations
                )
                .Field
        );
    }

    [Fact]
    public async Task A_table_is_renamed_and_its_records_are_named_by_another_field()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("A", FieldType.Text),
            DataFixture.Of("B", FieldType.Text),
            DataFixture.Of("C", FieldType.Checkbox)
        );
        var changed = (
            await data.Tables.UpdateTableAsync(
                new UpdateTableRequest
                {
                    TableId = table.Id,
                    Name = "Goods",
                    PrimaryField = "B",
                },
                data.As(owner)
            )
        ).Table;
        Assert.Equal(("Goods", table.Fields[1].Id), (changed.Name, changed.PrimaryFieldId));
        Assert.Equal(changed, (await data.Tables.GetTableAsync(new GetTableRequest { TableId = table.Id }, data.As(owner))).Table);
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(TableUpdated)
        );
        Assert.Equal(
            [new SchemaChange("name", "Items", "Goods"), new SchemaChange("primaryField", table.Fields[0].Id, table.Fields[1].Id)],
            announced.Read<TableUpdated>().Changes
        );
        foreach (var refused in new[] { "C", "Nope" })
        {
            Assert.Equal(
                "primaryField",
                Assert
                    .Single(
                        (
                            await data
                                .Tables.UpdateTableAsync(
                                    new UpdateTableRequest { TableId = table.Id, PrimaryField = refused },
                                    data.As(owner)
                                )
                                .ProblemAsync()
                        ).Violations
                    )
                    .Field
            );
        }
    }

    [Fact]
    public async Task A_renamed_field_answers_to_its_new_name_at_once()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text), DataFixture.Of("B", FieldType.Text));
        var id = await data.CreateRecordAsync(owner, table, """{"A":"a"}""");
        var request = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "A",
            Name = "Name",
            Description = "of it",
        };
        var first = await data.Tables.UpdateFieldAsync(request, data.As(owner, idempotencyKey: "f"));
        Assert.Equal(("Name", "of it", table.Fields[0].Id), (first.Field.Name, first.Field.Description, first.Field.Id));
        Assert.Equal(first, await data.Tables.UpdateFieldAsync(request, data.As(owner, idempotencyKey: "f")));
        Assert.Equal("""{"Name":"a","B":null}""", (await data.GetRecordAsync(owner, table, id)).Fields.Utf8.ToStringUtf8());
        Assert.Equal("NAME_TAKEN", (await Refused(new UpdateFieldRequest { Field = "Name", Name = "b" })).Reason);
        Assert.Equal("field", Assert.Single((await Refused(request)).Violations).Field);
        Assert.Equal(
            ["name", "unique"],
            (await Refused(new UpdateFieldRequest { Field = "B", Name = "id" }))
                .Violations.Concat(
                    (
                        await Refused(
                            new UpdateFieldRequest
                            {
                                Field = "Name",
                                Unique = true,
                                AllowNewChoices = true,
                            }
                        )
                    ).Violations
                )
                .Select(violation => violation.Field)
                .Select(field => field == "allowNewChoices" ? "unique" : field)
        );

        async Task<ProblemDetail> Refused(UpdateFieldRequest change)
        {
            change.TableId = table.Id;
            return await data.Tables.UpdateFieldAsync(change, data.As(owner)).ProblemAsync();
        }
    }

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

    [Fact]
    public async Task Choices_are_added_renamed_and_recoloured_and_records_follow()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("A", FieldType.Text),
            DataFixture.Of("S", FieldType.Select, "Red", "Green")
        );
        var id = await data.CreateRecordAsync(owner, table, """{"S":"Red"}""");
        var changed = (
            await data.Tables.UpdateFieldAsync(
                new UpdateFieldRequest
                {
                    TableId = table.Id,
                    Field = "S",
                    AddChoices =
                    {
                        new Choice { Label = "Blue", Color = "#0000ff" },
                    },
                    ChangeChoices =
                    {
                        new ChoiceChange
                        {
                            Choice = "Red",
                            Label = "Rouge",
                            Color = "#ff0000",
                        },
                    },
                },
                data.As(owner)
            )
        ).Field;
        Assert.Equal(["Rouge #ff0000", "Green ", "Blue #0000ff"], changed.Choices.Select(choice => $"{choice.Label} {choice.Color}"));
        Assert.Equal("""{"A":null,"S":"Rouge"}""", (await data.GetRecordAsync(owner, table, id)).Fields.Utf8.ToStringUtf8());
        var problem = await data
            .Tables.UpdateFieldAsync(
                new UpdateFieldRequest
                {
                    TableId = table.Id,
                    Field = "S",
                    AddChoices = { new Choice { Label = "Green" } },
                    ChangeChoices =
                    {
                        new ChoiceChange { Choice = "Red", Label = "x" },
                    },
                    RemoveChoices = { "Nope" },
                },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(
            ["choices[3].label", "changeChoices[0].choice", "removeChoices[0]"],
            problem.Violations.Select(violation => violation.Field)
        );
    }

    [Fact]
    public async Task A_choice_in_use_is_removed_only_when_the_caller_says_what_records_get_and_history_keeps_what_they_had()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("S", FieldType.Select, "Red", "Green", "Old"),
            DataFixture.Of("M", FieldType.MultiSelect, "a", "b", "c")
        );
        var ids = await data.CreateRecordsAsync(owner, table, """{"S":"Red","M":["c","a","b"]}""", """{"S":"Green","M":["a"]}""", "{}");
        Assert.Equal(0, (await Remove("S", "Old")).ChangedRecords);
        Assert.Equal(
            "CHOICE_IN_USE",
            (
                await data
                    .Tables.UpdateFieldAsync(
                        new UpdateFieldRequest
                        {
                            TableId = table.Id,
                            Field = "S",
                            RemoveChoices = { "Red" },
                        },
                        data.As(owner)
                    )
                    .ProblemAsync()
            ).Reason
        );
        Assert.Equal(1, (await Remove("S", "Red", with: "Green")).ChangedRecords);
        Assert.Equal(1, (await Remove("M", "b", with: "c")).ChangedRecords);
        Assert.Equal(2, (await Remove("M", "a")).ChangedRecords);

        var records = (await data.SearchAsync(owner, table)).Records;
        Assert.Equal(
            ["""{"S":"Green","M":["c"]}""", """{"S":"Green","M":null}""", """{"S":null,"M":null}"""],
            records.Select(record => record.Fields.Utf8.ToStringUtf8())
        );
        Assert.Equal([4L, 2L, 1L], records.Select(record => record.Version));
        Assert.Equal(
            4L,
            await data.ScalarAsync<long>(
                "select count(*) from data.record_before b join data.record_change c on c.id = b.change_id where b.workspace_id = $1 and c.kind = 'updated' and c.tool = 'update_field'",
                owner.Workspace
            )
        );
        Assert.Equal(
            "Red",
            await data.ScalarAsync<string>(
                "select h.label from data.record_before b join data.choice h on h.id = (b.before ->> $2)::uuid where b.workspace_id = $1 and b.before ->> $2 is not null",
                owner.Workspace,
                "c_" + table.Fields[0].Id["fld_".Length..]
            )
        );
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(RecordsUpdated)
        );
        Assert.Equal(("record.updated", ids[0]), (announced.Action, Assert.Single(announced.Read<RecordsUpdated>().RecordIds)));

        async Task<UpdateFieldResponse> Remove(string field, string choice, string with = "") =>
            await data.Tables.UpdateFieldAsync(
                new UpdateFieldRequest
                {
                    TableId = table.Id,
                    Field = field,
                    RemoveChoices = { choice },
                    ReplaceRemovedWith = with,
                    ClearRemoved = with.Length == 0,
                },
                data.As(owner)
            );
    }

    [Fact]
    public async Task Viewers_may_not_and_others_find_nothing()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        foreach (
            var (caller, reason) in new[]
            {
                (owner with { Role = Roles.Viewer }, "PERMISSION_DENIED"),
                (DataFixture.Owner(), "NOT_FOUND"),
                (owner with { Environment = Ids.New() }, "NOT_FOUND"),
            }
        )
        {
            Assert.Equal(
                reason,
                (
                    await data
                        .Databases.UpdateDatabaseAsync(
                            new UpdateDatabaseRequest { DatabaseId = table.DatabaseId, Name = "X" },
                            data.As(caller)
                        )
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                reason,
                (
                    await data
                        .Tables.UpdateTableAsync(new UpdateTableRequest { TableId = table.Id, Name = "X" }, data.As(caller))
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                reason,
                (
                    await data
                        .Tables.UpdateFieldAsync(
                            new UpdateFieldRequest
                            {
                                TableId = table.Id,
                                Field = "A",
                                Name = "X",
                            },
                            data.As(caller)
                        )
                        .ProblemAsync()
                ).Reason
            );
        }
    }

    [Fact]
    public async Task Eight_first_tables_of_a_new_workspace_are_created_at_once()
    {
        var owner = DataFixture.Owner();
        var database = await data.CreateDatabaseAsync(owner);
        var tables = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(n =>
                    data.Tables.CreateTableAsync(
                        new CreateTableRequest
                        {
                            DatabaseId = database.Id,
                            Name = $"T{n}",
                            Fields = { DataFixture.Of("A", FieldType.Text) },
                        },
                        data.As(owner)
                    ).ResponseAsync
                )
        );
        await Task.WhenAll(tables.Select(created => data.CreateRecordAsync(owner, created.Table, """{"A":"a"}""")));
        Assert.Equal(
            8,
            (await data.Databases.GetDatabaseAsync(new GetDatabaseRequest { DatabaseId = database.Id }, data.As(owner))).Tables.Count
        );
    }
}
