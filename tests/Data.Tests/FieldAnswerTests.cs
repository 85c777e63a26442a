using Platform.Data.Contracts.V1;

namespace Platform.Data.Tests;

/// <summary>A field's answer says what its type has, and nothing that is the same for every field of the type.</summary>
public sealed class FieldAnswerTests(DataFixture data) : IClassFixture<DataFixture>
{
    [Fact]
    public async Task A_setting_that_a_type_lacks_is_absent_and_one_that_it_has_is_there()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableOfAllTypesAsync(owner);
        var link = DataFixture.Of("Items", FieldType.Link);
        (link.LinkTableId, link.LinkField) = (table.Id, "Linked from");
        await data.Tables.CreateFieldAsync(new CreateFieldRequest { TableId = table.Id, Field = link }, data.As(owner));
        var fields = (await data.Tables.ListFieldsAsync(new ListFieldsRequest { TableId = table.Id }, data.As(owner))).Fields;
        foreach (var field in fields)
        {
            var hasChoices = field.Type is FieldType.Select or FieldType.MultiSelect;
            var isLink = field.Type == FieldType.Link;
            Assert.Equal(
                (hasChoices, isLink, isLink, hasChoices ? 3 : 0),
                (field.HasAllowNewChoices, field.HasSingle, field.HasInverse, field.Choices.Count)
            );
        }
    }
}
