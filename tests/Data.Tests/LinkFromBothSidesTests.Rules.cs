using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed partial class LinkFromBothSidesTests
{
    [Fact]
    public async Task Rules_of_the_side_that_keeps_the_links_hold_from_the_other_side()
    {
        var (owner, customers, orders) = await ShopAsync(single: true, required: true);
        var people = await data.CreateRecordsAsync(owner, customers, """{"Name":"Ada"}""", """{"Name":"Bob"}""");
        var ids = await data.CreateRecordsAsync(
            owner,
            orders,
            $$"""{"No":1,"Customers":"{{people[0]}}"}""",
            $$"""{"No":2,"Customers":"{{people[0]}}"}"""
        );
        Assert.Contains(
            $"{ids[0]} links to {people[0]}, and Customers in Orders holds one record",
            await RefusedAsync(customers, people[1], $$"""{"Orders":["{{ids[0]}}"]}"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"{ids[1]} would have no Customers, which Orders requires",
            await RefusedAsync(customers, people[0], $$"""{"Orders":["{{ids[0]}}"]}"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "is not a record of Orders",
            await RefusedAsync(customers, people[0], $$"""{"Orders":["{{ids[0]}}","{{ids[1]}}","{{people[1]}}"]}"""),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "does not name all",
            await RefusedAsync(customers, people[0], $$"""{"Orders":["{{ids[0]}}",{"more":true}]}"""),
            StringComparison.Ordinal
        );
        Assert.Equal([1L, 1L], await VersionsAsync(owner, orders));

        // A new customer for each of two orders, which both want: told once for each that cannot have it.
        var problem = await data
            .Records.CreateRecordsAsync(
                DataFixture.New(customers, $$"""{"Name":"C","Orders":"{{ids[0]}}"}""", $$"""{"Name":"D","Orders":"{{ids[0]}}"}"""),
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal(["records[1].fields.Orders"], problem.Violations.Select(violation => violation.Field));
        var required = await data
            .Tables.UpdateFieldAsync(
                new UpdateFieldRequest
                {
                    TableId = customers.Id,
                    Field = "Orders",
                    Required = true,
                },
                data.As(owner)
            )
            .ProblemAsync();
        Assert.Equal("required", Assert.Single(required.Violations).Field);

        async Task<string> RefusedAsync(Table table, string id, string fields) =>
            Assert.Single((await data.Records.UpdateRecordAsync(Change(table, id, fields), data.As(owner)).ProblemAsync()).Violations).Rule;
    }

    [Fact]
    public async Task A_record_that_more_link_to_than_it_shows_is_not_replaced_from_there()
    {
        var (owner, customers, orders) = await ShopAsync();
        var ada = await data.CreateRecordAsync(owner, customers, """{"Name":"Ada"}""");
        for (var page = 0; page < 3; page++)
        {
            await data.CreateRecordsAsync(
                owner,
                orders,
                [.. Enumerable.Range(0, page < 2 ? 100 : 1).Select(_ => $$"""{"Customers":["{{ada}}"]}""")]
            );
        }

        var read = await ReadAsync(owner, customers, ada, "Orders");
        Assert.EndsWith("""{"more":true}]""", read, StringComparison.Ordinal);
        foreach (var value in new[] { read, "null" })
        {
            var violation = Assert.Single(
                (
                    await data
                        .Records.UpdateRecordAsync(Change(customers, ada, $$"""{"Orders":{{value}}}"""), data.As(owner))
                        .ProblemAsync()
                ).Violations
            );
            Assert.Equal($"Change Customers of the records in Orders ({orders.Id}).", violation.Fix);
        }

        // An order takes as many customers as it takes from its own side.
        var order = await data.CreateRecordAsync(owner, orders, "{}");
        for (var page = 0; page < 2; page++)
        {
            await data.CreateRecordsAsync(
                owner,
                customers,
                [.. Enumerable.Range(0, 100).Select(n => $$"""{"Name":"{{page}} {{n}}","Orders":["{{order}}"]}""")]
            );
        }

        var full = await data
            .Records.CreateRecordsAsync(DataFixture.New(customers, $$"""{"Orders":["{{order}}"]}"""), data.As(owner))
            .ProblemAsync();
        Assert.Contains("would have more than 200 links", Assert.Single(full.Violations).Rule, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_to_a_deleted_record_outlives_changes_from_the_other_side()
    {
        var (owner, customers, orders) = await ShopAsync();
        var people = await data.CreateRecordsAsync(owner, customers, """{"Name":"Ada"}""", """{"Name":"Bob"}""", """{"Name":"Cid"}""");
        var order = await data.CreateRecordAsync(owner, orders, $$"""{"Customers":["{{people[0]}}","{{people[1]}}"]}""");
        var request = new DeleteRecordsRequest { TableId = customers.Id, RecordIds = { people[0] } };
        await data.Records.DeleteRecordsAsync(
            request,
            data.As(owner, confirmation: (await data.Records.DeleteRecordsAsync(request, data.As(owner)).ProblemAsync()).Confirmation.Token)
        );
        await data.Records.UpdateRecordAsync(Change(customers, people[2], $$"""{"Orders":["{{order}}"]}"""), data.As(owner));
        await data.Records.UpdateRecordAsync(Change(customers, people[1], """{"Orders":null}"""), data.As(owner));
        Assert.Equal($$"""[{"id":"{{people[2]}}","label":"Cid"}]""", await ReadAsync(owner, orders, order, "Customers"));
        await data.ExecuteAsync($"update {DataFixture.NameOf(owner, customers)} set deleted_at = null");
        Assert.Equal(
            $$"""[{"id":"{{people[0]}}","label":"Ada"},{"id":"{{people[2]}}","label":"Cid"}]""",
            await ReadAsync(owner, orders, order, "Customers")
        );
    }
}
