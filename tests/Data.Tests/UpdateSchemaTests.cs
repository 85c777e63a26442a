using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class UpdateSchemaTests(DataFixture data) : IClassFixture<DataFixture>
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
                "select count(*) from data.record_before b join data.record_change c on c.id = b.change_id "
                    + "where b.workspace_id = $1 and c.kind = 'updated' and c.tool = 'update_field'",
                owner.Workspace
            )
        );
        Assert.Equal(
            "Red",
            await data.ScalarAsync<string>(
                "select h.label from data.record_before b join data.choice h on h.id = (b.before ->> $2)::uuid "
                    + "where b.workspace_id = $1 and b.before ->> $2 is not null",
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
