using Platform.Data.Contracts.V1;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Tests;

public sealed partial class SchemaUndoTests
{
    [Fact]
    public async Task Limits_go_back_both_ways_and_not_over_values_that_do_not_fit_by_now()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, new Field { Name = "A", Type = FieldType.Text, MaxLength = 5 }, new Field { Name = "N", Type = FieldType.Number, Precision = 2 });
        await data.Tables.CreateFieldAsync(new CreateFieldRequest { TableId = table.Id, Field = new Field { Name = "L", Type = FieldType.Link, LinkTableId = table.Id, Single = true } }, data.As(owner));
        var ids = await data.CreateRecordsAsync(owner, table, "{}", "{}");
        var before = await CatalogueAsync(owner);
        var task = await BeginAsync(owner);
        await data.Tables.UpdateFieldAsync(new UpdateFieldRequest { TableId = table.Id, Field = "A", MaxLength = 100 }, data.As(owner, task: task));
        await data.Tables.UpdateFieldAsync(new UpdateFieldRequest { TableId = table.Id, Field = "N", Precision = 4 }, data.As(owner, task: task));
        await data.Tables.UpdateFieldAsync(new UpdateFieldRequest { TableId = table.Id, Field = "L", Single = false }, data.As(owner, task: task));

        // Values of the task itself go before its limits do; those of others keep them.
        await UpdateAsync(owner, table, ids[0], $$"""{"A":"longer than five","N":0.1234,"L":["{{ids[0]}}","{{ids[1]}}"]}""", task);
        var (part, call) = await UndoAsync(owner, task);
        Assert.Equal(0, part.LeftCount);
        Assert.Equal([("field", "reverted", 3), ("record", "reverted", 1)], Told(part));
        Assert.Equal(before, await CatalogueAsync(owner));
        await UndoChangeAsync(owner, call);
        await UpdateAsync(owner, table, ids[1], $$"""{"A":"longer than five","N":0.1234,"L":["{{ids[0]}}","{{ids[1]}}"]}""", null);
        Assert.Equal(
        [
            "1 values are longer than the 5 characters it would take again.", "1 values have more than the 2 decimal places it would take again.", "It would hold one link again, and 1 records hold more.",
        ], (await UndoAsync(owner, task)).Part.Left.Select(left => left.Why).Order());
    }
}
