using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class ViewTests(DataFixture data) : IClassFixture<DataFixture>
{
    private const string Open =
        """{"operator":"AND","conditions":[{"operator":"IS","leftSide":"State","rightSide":"Open"},"""
        + """{"operator":"GREATER_THAN","leftSide":"N","rightSide":1}]}""";

    [Fact]
    public async Task A_view_filters_sorts_and_selects_and_what_the_call_sends_comes_on_top()
    {
        var (owner, table) = await TableAsync();
        var view = await CreateAsync(owner, table);
        Assert.Equal(
            (Open, "N", "DESC", "N"),
            (view.Filter.Utf8.ToStringUtf8(), view.Sorting[0].SortingField, view.Sorting[0].SortType, Assert.Single(view.Fields))
        );

        Assert.Equal(["""{"N":4}""", """{"N":3}"""], await ListAsync(owner, table, "Open ones"));
        Assert.Equal(["""{"N":4}""", """{"N":3}"""], await ListAsync(owner, table, view.Id));
        Assert.Equal(["""{"N":4}""", """{"N":3}"""], await SearchAsync(new SearchRecordsRequest { View = "Open ones" }));
        Assert.Equal(
            ["""{"N":3}"""],
            await SearchAsync(
                new SearchRecordsRequest
                {
                    View = "Open ones",
                    Filter = DataFixture.Json("""{"operator":"LESS_THAN","leftSide":"N","rightSide":4}"""),
                }
            )
        );
        Assert.Equal(
            ["""{"State":"Open"}""", """{"State":"Open"}"""],
            await SearchAsync(new SearchRecordsRequest { View = "Open ones", ReturnFields = { "State" } })
        );
        Assert.Equal(
            ["""{"N":3}""", """{"N":4}"""],
            await SearchAsync(new SearchRecordsRequest { View = "Open ones", Sorting = { new Sorting { SortingField = "N" } } })
        );

        // Page by page, with the total of the view.
        var first = await data.Records.ListRecordsAsync(
            new ListRecordsRequest
            {
                TableId = table.Id,
                View = view.Id,
                Limit = 1,
                IncludeTotal = true,
            },
            data.As(owner)
        );
        Assert.Equal((2, true), (first.Page.Total, first.Page.HasMore));
        var second = await data.Records.ListRecordsAsync(
            new ListRecordsRequest
            {
                TableId = table.Id,
                View = view.Id,
                Limit = 1,
                Cursor = first.Page.NextCursor,
            },
            data.As(owner)
        );
        Assert.Equal("""{"N":3}""", Assert.Single(second.Records).Fields.Utf8.ToStringUtf8());
        var other = await data
            .Records.ListRecordsAsync(new ListRecordsRequest { TableId = table.Id, Cursor = first.Page.NextCursor }, data.As(owner))
            .ProblemAsync();
        Assert.Equal("cursor", Assert.Single(other.Violations).Field);
        var unknown = await data
            .Records.ListRecordsAsync(new ListRecordsRequest { TableId = table.Id, View = "Nope" }, data.As(owner))
            .ProblemAsync();
        Assert.Equal(("view", "Use one of: Open ones."), (Assert.Single(unknown.Violations).Field, unknown.Violations[0].Fix));

        async Task<IEnumerable<string>> SearchAsync(SearchRecordsRequest request)
        {
            request.TableId = table.Id;
            return (await data.Records.SearchRecordsAsync(request, data.As(owner))).Records.Select(record =>
                record.Fields.Utf8.ToStringUtf8()
            );
        }
    }

    [Fact]
    public async Task A_view_follows_fields_and_choices_that_are_renamed()
    {
        var (owner, table) = await TableAsync();
        await CreateAsync(owner, table);
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "N",
                Name = "Count",
            },
            data.As(owner)
        );
        await data.Tables.UpdateFieldAsync(
            new UpdateFieldRequest
            {
                TableId = table.Id,
                Field = "State",
                Name = "Status",
                ChangeChoices =
                {
                    new ChoiceChange { Choice = "Open", Label = "To do" },
                },
            },
            data.As(owner)
        );
        Assert.Equal(["""{"Count":4}""", """{"Count":3}"""], await ListAsync(owner, table, "Open ones"));
        var view = Assert.Single((await data.Views.ListViewsAsync(new ListViewsRequest { TableId = table.Id }, data.As(owner))).Views);
        Assert.Equal(
            (
                """{"operator":"AND","conditions":[{"operator":"IS","leftSide":"Status","rightSide":"To do"},"""
                    + """{"operator":"GREATER_THAN","leftSide":"Count","rightSide":1}]}""",
                "Count"
            ),
            (view.Filter.Utf8.ToStringUtf8(), Assert.Single(view.Fields))
        );
    }

    [Fact]
    public async Task A_choice_that_a_view_filters_by_is_removed_only_if_another_one_takes_its_place()
    {
        var (owner, table) = await TableAsync();
        await CreateAsync(owner, table);
        await CreateAsync(owner, table, "Others");
        var request = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "State",
            RemoveChoices = { "Open" },
            ClearRemoved = true,
        };
        var problem = await data.Tables.UpdateFieldAsync(request, data.As(owner)).ProblemAsync();
        Assert.Equal("CHOICE_IN_USE", problem.Reason);
        Assert.Contains("Open ones, Others", problem.Message, StringComparison.Ordinal);
        Assert.Equal(["""{"N":4}""", """{"N":3}"""], await ListAsync(owner, table, "Open ones"));

        (request.ClearRemoved, request.ReplaceRemovedWith) = (false, "Done");
        await data.Tables.UpdateFieldAsync(request, data.As(owner));
        Assert.Equal(["""{"N":4}""", """{"N":3}""", """{"N":2}"""], await ListAsync(owner, table, "Others"));
        var views = (await data.Views.ListViewsAsync(new ListViewsRequest { TableId = table.Id }, data.As(owner))).Views;
        Assert.All(views, view => Assert.Equal(Open.Replace("Open", "Done", StringComparison.Ordinal), view.Filter.Utf8.ToStringUtf8()));
        var updated = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(ViewUpdated)
        );
        Assert.Equal(("view.updated", "filter"), (updated.Action, Assert.Single(updated.Read<ViewUpdated>().Changes).Property));

        var fields = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "State",
            AddChoices = { new Choice { Label = "New" } },
        };
        await data.Tables.UpdateFieldAsync(fields, data.As(owner));
        fields = new UpdateFieldRequest
        {
            TableId = table.Id,
            Field = "State",
            RemoveChoices = { "New" },
        };
        await data.Tables.UpdateFieldAsync(fields, data.As(owner));
    }

    [Fact]
    public async Task A_view_is_changed_in_part_and_deleted_in_two_steps()
    {
        var (owner, table) = await TableAsync();
        var view = await CreateAsync(owner, table);
        var request = new UpdateViewRequest
        {
            TableId = table.Id,
            View = view.Id,
            Name = "All",
            Filter = DataFixture.Json("{}"),
            Fields = { "*" },
        };
        await data.Views.UpdateViewAsync(request, data.As(owner, dryRun: true));
        Assert.Equal(2, (await ListAsync(owner, table, "Open ones")).Count());
        var changed = (await data.Views.UpdateViewAsync(request, data.As(owner))).View;
        Assert.Equal(("All", true, 1, 0), (changed.Name, changed.Filter is null, changed.Sorting.Count, changed.Fields.Count));
        var again = data.Views.UpdateViewAsync(request, data.As(owner));
        Assert.Equal(changed, (await again).View);
        Assert.Equal("unchanged", again.GetTrailers().GetValue("x-outcome"));
        Assert.Equal("""{"State":"Open","N":4}""", (await ListAsync(owner, table, "All")).First());
        await data.Views.UpdateViewAsync(
            new UpdateViewRequest
            {
                TableId = table.Id,
                View = "All",
                ClearSorting = true,
            },
            data.As(owner)
        );
        Assert.Equal("""{"State":"Open","N":1}""", (await ListAsync(owner, table, "All")).First());
        var announced = await data.Events.WaitAsync(happened =>
            happened.WorkspaceId == owner.Workspace && happened.Type == nameof(ViewUpdated)
        );
        Assert.Equal(["name", "filter", "fields"], announced.Read<ViewUpdated>().Changes.Select(change => change.Property));

        var deletion = new DeleteViewRequest { TableId = table.Id, View = "All" };
        var preview = await data.Views.DeleteViewAsync(deletion, data.As(owner)).ProblemAsync();
        Assert.Equal("CONFIRMATION_REQUIRED", preview.Reason);
        var deleted = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        return (
                            await data.Views.DeleteViewAsync(deletion, data.As(owner, confirmation: preview.Confirmation.Token))
                        ).ViewId;
                    }
                    catch (Grpc.Core.RpcException)
                    {
                        return "";
                    }
                })
        );
        Assert.Equal(view.Id, Assert.Single(deleted, id => id.Length > 0));
        Assert.Empty((await data.Views.ListViewsAsync(new ListViewsRequest { TableId = table.Id }, data.As(owner))).Views);
        await CreateAsync(owner, table, "All");
    }

    [Fact]
    public async Task A_list_does_not_end_where_its_cursor_stood_when_that_view_is_gone()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        foreach (var name in new[] { "a", "b", "c" })
        {
            await data.Views.CreateViewAsync(new CreateViewRequest { TableId = table.Id, Name = name }, data.As(owner));
        }

        var request = new ListViewsRequest { TableId = table.Id, Limit = 1 };
        request.Cursor = (await data.Views.ListViewsAsync(request, data.As(owner))).Page.NextCursor;
        var delete = new DeleteViewRequest { TableId = table.Id, View = "a" };
        var preview = await data.Views.DeleteViewAsync(delete, data.As(owner)).ProblemAsync();
        await data.Views.DeleteViewAsync(delete, data.As(owner, confirmation: preview.Confirmation.Token));
        var refused = await data.Views.ListViewsAsync(request, data.As(owner)).ProblemAsync();
        Assert.Equal("cursor", Assert.Single(refused.Violations).Field);
    }

    [Fact]
    public async Task What_is_no_filter_sorting_or_field_is_refused_and_a_name_is_taken_once()
    {
        var (owner, table) = await TableAsync();
        var requests = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async n =>
                {
                    try
                    {
                        await CreateAsync(owner, table, n % 2 == 0 ? "One" : "ONE");
                        return "";
                    }
                    catch (Grpc.Core.RpcException exception)
                    {
                        return ServiceDefaults.Calls.Problem.Read(exception)!.Reason;
                    }
                })
        );
        Assert.Equal(7, requests.Count(reason => reason == "NAME_TAKEN"));
        var key = new CreateViewRequest { TableId = table.Id, Name = "Keyed" };
        Assert.Equal(
            await data.Views.CreateViewAsync(key, data.As(owner, idempotencyKey: "v")),
            await data.Views.CreateViewAsync(key, data.As(owner, idempotencyKey: "v"))
        );
        Assert.Equal(
            "filter.leftSide",
            await RefusedAsync(new CreateViewRequest { Filter = DataFixture.Json("""{"operator":"IS_EMPTY","leftSide":"Nope"}""") })
        );
        Assert.Equal(
            "sorting[0].sortingField",
            await RefusedAsync(new CreateViewRequest { Sorting = { new Sorting { SortingField = "Nope" } } })
        );
        Assert.Equal("fields[0]", await RefusedAsync(new CreateViewRequest { Fields = { "Nope" } }));

        async Task<string> RefusedAsync(CreateViewRequest request)
        {
            (request.TableId, request.Name) = (table.Id, "X");
            return Assert.Single((await data.Views.CreateViewAsync(request, data.As(owner)).ProblemAsync()).Violations).Field;
        }
    }

    [Fact]
    public async Task Viewers_may_use_views_only_and_others_find_nothing()
    {
        var (owner, table) = await TableAsync();
        var view = await CreateAsync(owner, table);
        var viewer = owner with { Role = Roles.Viewer };
        Assert.Equal(2, (await ListAsync(viewer, table, view.Name)).Count());
        foreach (
            var (caller, reason) in new[]
            {
                (viewer, "PERMISSION_DENIED"),
                (DataFixture.Owner(), "NOT_FOUND"),
                (owner with { Environment = Ids.New() }, "NOT_FOUND"),
            }
        )
        {
            Assert.Equal(
                reason,
                (
                    await data
                        .Views.CreateViewAsync(new CreateViewRequest { TableId = table.Id, Name = "X" }, data.As(caller))
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                reason,
                (
                    await data
                        .Views.UpdateViewAsync(
                            new UpdateViewRequest
                            {
                                TableId = table.Id,
                                View = view.Id,
                                Name = "X",
                            },
                            data.As(caller)
                        )
                        .ProblemAsync()
                ).Reason
            );
            Assert.Equal(
                reason,
                (
                    await data
                        .Views.DeleteViewAsync(new DeleteViewRequest { TableId = table.Id, View = view.Id }, data.As(caller))
                        .ProblemAsync()
                ).Reason
            );
            if (reason == "NOT_FOUND")
            {
                Assert.Equal(
                    reason,
                    (await data.Views.ListViewsAsync(new ListViewsRequest { TableId = table.Id }, data.As(caller)).ProblemAsync()).Reason
                );
            }
        }
    }

    private async Task<(TestCaller Owner, Table Table)> TableAsync()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(
            owner,
            DataFixture.Of("State", FieldType.Select, "Open", "Done"),
            DataFixture.Of("N", FieldType.Number)
        );
        await data.CreateRecordsAsync(
            owner,
            table,
            """{"State":"Open","N":1}""",
            """{"State":"Done","N":2}""",
            """{"State":"Open","N":3}""",
            """{"State":"Open","N":4}"""
        );
        return (owner, table);
    }

    private async Task<View> CreateAsync(TestCaller owner, Table table, string name = "Open ones") =>
        (
            await data.Views.CreateViewAsync(
                new CreateViewRequest
                {
                    TableId = table.Id,
                    Name = name,
                    Filter = DataFixture.Json(Open),
                    Sorting =
                    {
                        new Sorting { SortingField = "N", SortType = "DESC" },
                    },
                    Fields = { "N" },
                },
                data.As(owner)
            )
        ).View;

    private async Task<IEnumerable<string>> ListAsync(TestCaller caller, Table table, string view) =>
        (await data.Records.ListRecordsAsync(new ListRecordsRequest { TableId = table.Id, View = view }, data.As(caller))).Records.Select(
            record => record.Fields.Utf8.ToStringUtf8()
        );
}
