using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Testing;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class SchemaUndoTests
{
    [Fact]
    public async Task A_record_that_others_link_to_stays_with_what_it_needs_and_links_among_what_goes_do_not_count()
    {
        var owner = DataFixture.Owner();
        var other = owner with { Member = Ids.New() };
        var customers = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        var orders = (
            await data.Tables.CreateTableAsync(
                new CreateTableRequest
                {
                    DatabaseId = customers.DatabaseId,
                    Name = "Orders",
                    Fields =
                    {
                        DataFixture.Of("No", FieldType.Number),
                        new Field
                        {
                            Name = "Customers",
                            Type = FieldType.Link,
                            LinkTableId = customers.Id,
                        },
                        DataFixture.Of("N", FieldType.Number),
                    },
                },
                data.As(owner)
            )
        ).Table;
        orders = (await data.Tables.GetTableAsync(new() { TableId = orders.Id }, data.As(owner))).Table;
        await data.Tables.CreateFieldAsync(
            new CreateFieldRequest
            {
                TableId = orders.Id,
                Field = new Field
                {
                    Name = "Follows",
                    Type = FieldType.Link,
                    LinkTableId = orders.Id,
                    LinkField = "Followed by",
                },
            },
            data.As(owner)
        );
        var theirs = await data.CreateRecordAsync(other, orders, """{"No":9}""");

        var task = await BeginAsync(owner);
        var people = (
            await data.Records.CreateRecordsAsync(
                DataFixture.New(customers, """{"Name":"Ada"}""", """{"Name":"Bob"}""", """{"Name":"Cid"}"""),
                data.As(owner, task: task)
            )
        ).RecordIds;
        var first = (
            await data.Records.CreateRecordsAsync(
                DataFixture.New(orders, $$"""{"No":1,"Customers":["{{people[0]}}"]}"""),
                data.As(owner, task: task)
            )
        ).RecordIds[0];
        await data.Records.CreateRecordsAsync(
            DataFixture.New(orders, $$"""{"No":2,"Customers":["{{people[1]}}"],"Follows":["{{first}}"]}"""),
            data.As(owner, task: task)
        );
        await UpdateAsync(owner, orders, theirs, $$"""{"Customers":["{{people[2]}}"]}""", task);

        // Theirs follows the first order, which needs Ada.
        await UpdateAsync(other, orders, theirs, $$"""{"Customers":null,"Follows":["{{first}}"]}""", null);
        var (part, _) = await UndoAsync(owner, task);
        Assert.Equal([("record", "removed", 1), ("record", "removed", 2)], Told(part));
        var left = part.Left.Single(one => one.Id == first);
        Assert.Equal(
            ("CHANGED_SINCE", Ids.Format("mbr", other.Member!.Value), $"{theirs} in Orders links to it."),
            (left.Reason, left.ChangedBy, left.Why)
        );
        Assert.Equal($"{first} in Orders links to it.", part.Left.Single(one => one.Id == people[0]).Why);
        Assert.Equal(3, part.LeftCount);
        Assert.Equal([people[0]], (await data.SearchAsync(owner, customers)).Records.Select(record => record.Id));
        Assert.Equal([theirs, first], (await data.SearchAsync(owner, orders)).Records.Select(record => record.Id));
        Assert.Contains(first, (await data.GetRecordAsync(owner, orders, theirs)).Fields.Utf8.ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_needs_the_permissions_of_what_it_takes_back_and_of_what_it_does_instead()
    {
        var owner = DataFixture.Owner();
        var task = await BeginAsync(owner);
        var call = data.As(owner, task: task);
        var database = (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = "Shop" }, call)).Database;
        foreach (var missing in new[] { "databases.schema:write", "databases.schema:delete" })
        {
            var lesser = owner with { Permissions = [.. _permissions.Except([missing])] };
            var left = Assert.Single(
                Assert.Single((await data.Changes.UndoTaskAsync(new() { TaskId = task }, data.As(lesser))).Parts).Left
            );
            Assert.Equal(
                ("database", "PERMISSION_DENIED", $"Taking this back needs the permission {missing}."),
                (left.Kind, left.Reason, left.Why)
            );
        }

        foreach (var stranger in new[] { owner with { Environment = Ids.New() }, DataFixture.Owner() })
        {
            Assert.Equal(
                "CHANGE_NOT_FOUND",
                (await data.Changes.UndoChangeAsync(new() { CallId = CallIdOf(call) }, data.As(stranger)).ProblemAsync()).Reason
            );
        }

        // By its call, too; and eight at once.
        var request = new UndoChangeRequest { CallId = CallIdOf(call) };
        var preview = await data.Changes.UndoChangeAsync(request, data.As(owner)).ProblemAsync();
        Assert.Single((await data.Databases.ListDatabasesAsync(new(), data.As(owner))).Databases);
        var undone = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    try
                    {
                        return (await data.Changes.UndoChangeAsync(request, data.As(owner, confirmation: preview.Confirmation.Token)))
                            .Parts[0]
                            .Undone
                            .Count;
                    }
                    catch (RpcException exception)
                    {
                        Assert.Equal("CONFIRMATION_USED", ServiceDefaults.Calls.Problem.Read(exception)!.Reason);
                        return 0;
                    }
                })
        );
        Assert.Equal(1, undone.Sum());
        Assert.Equal(
            "NOT_FOUND",
            (await data.Databases.GetDatabaseAsync(new() { DatabaseId = database.Id }, data.As(owner)).ProblemAsync()).Reason
        );
    }

    [Fact]
    public async Task A_table_that_comes_while_its_database_goes_has_one_or_the_other()
    {
        var owner = DataFixture.Owner();
        for (var round = 0; round < 4; round++)
        {
            var call = data.As(owner);
            var database = (await data.Databases.CreateDatabaseAsync(new CreateDatabaseRequest { Name = $"Shop {round}" }, call)).Database;
            var request = new UndoChangeRequest { CallId = CallIdOf(call) };
            var preview = await data.Changes.UndoChangeAsync(request, data.As(owner)).ProblemAsync();
            var results = await Task.WhenAll(
                TryAsync(async () => await data.Changes.UndoChangeAsync(request, data.As(owner, confirmation: preview.Confirmation.Token))),
                TryAsync(async () =>
                    await data.Tables.CreateTableAsync(
                        new CreateTableRequest
                        {
                            DatabaseId = database.Id,
                            Name = "T",
                            Fields = { DataFixture.Of("A", FieldType.Text) },
                        },
                        data.As(owner)
                    )
                )
            );
            var isThere = await data.ScalarAsync<bool>(
                "select deleted_at is null from data.database where id = $1",
                Parse("db", database.Id)
            );
            Assert.Equal(isThere ? null : "NOT_FOUND", results[1]);
            Assert.Equal(
                isThere ? 1L : 0L,
                await data.ScalarAsync<long>(
                    "select count(*) from data.database_table where database_id = $1 and deleted_at is null",
                    Parse("db", database.Id)
                )
            );
        }

        static async Task<string?> TryAsync(Func<Task> act)
        {
            try
            {
                await act();
                return null;
            }
            catch (RpcException exception)
            {
                return ServiceDefaults.Calls.Problem.Read(exception)!.Reason;
            }
        }
    }
}
