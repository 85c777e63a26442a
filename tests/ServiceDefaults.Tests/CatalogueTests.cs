using System.Text;
using System.Text.Json;
using Notes.Contracts;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Tests;

public sealed class CatalogueTests
{
    [Fact]
    public void A_tool_is_what_its_rpc_declares()
    {
        Assert.Equal(["create_note", "delete_notes", "list_notes"], NotesContract.Catalogue.Tools.Select(tool => tool.Name));
        Assert.True(NotesContract.Catalogue.TryGetTool("create_note", out var tool));
        Assert.Equal("Creates a note. Its title is unique in the environment.", tool.Description);
        Assert.Equal("/notes.v1.Notes/CreateNote", tool.GrpcMethod);
        Assert.Equal("notes", tool.Service);
    }

    [Fact]
    public void A_former_name_finds_the_tool()
    {
        Assert.True(NotesContract.Catalogue.TryGetTool("show_notes", out var tool));
        Assert.Equal("list_notes", tool.Name);
    }

    [Fact]
    public void The_input_schema_says_all_that_the_contract_says()
    {
        Assert.True(NotesContract.Catalogue.TryGetTool("create_note", out var tool));
        var schema = JsonDocument.Parse(tool.InputSchema).RootElement;
        var properties = schema.GetProperty("properties");
        Assert.Equal(
            ["title", "stars", "labels", "extra", "colour", "apiKey", "dueAt", "fail", "environment", "idempotencyKey", "dryRun", "task"],
            properties.EnumerateObject().Select(property => property.Name)
        );
        Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal("title", Assert.Single(schema.GetProperty("required").EnumerateArray()).GetString());
        Assert.Equal(
            """{"description":"The title.","type":"string","minLength":1,"maxLength":20}""",
            properties.GetProperty("title").GetRawText()
        );
        Assert.Equal(
            """{"description":"Stars.","type":"integer","minimum":1,"maximum":5,"default":3}""",
            properties.GetProperty("stars").GetRawText()
        );
        Assert.Equal(
            """{"description":"Labels.","type":"array","minItems":1,"maxItems":2,"items":{"type":"string","pattern":"^[a-z]+$"}}""",
            properties.GetProperty("labels").GetRawText()
        );
        Assert.Equal("""{"description":"Anything.","type":"object"}""", properties.GetProperty("extra").GetRawText());
        Assert.Equal(
            """{"description":"The colour.","type":"string","enum":["dark_red"]}""",
            properties.GetProperty("colour").GetRawText()
        );
        Assert.Equal(
            """{"description":"When it is due.","type":"string","format":"date-time"}""",
            properties.GetProperty("dueAt").GetRawText()
        );
    }

    [Fact]
    public void A_secret_shows_in_an_answer_only_as_set()
    {
        Assert.True(NotesContract.Catalogue.TryGetTool("create_note", out var tool));
        Assert.Contains(
            "\"apiKey\":{\"type\":\"object\",\"properties\":{\"isSet\":{\"type\":\"boolean\"}}}",
            Encoding.UTF8.GetString(tool.OutputSchema.Span),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Only_a_destructive_tool_takes_a_confirmation()
    {
        Assert.True(NotesContract.Catalogue.TryGetTool("delete_notes", out var delete));
        Assert.True(NotesContract.Catalogue.TryGetTool("list_notes", out var list));
        Assert.Contains("confirmation", Encoding.UTF8.GetString(delete.InputSchema.Span), StringComparison.Ordinal);
        Assert.Equal(
            ["environment"],
            JsonDocument.Parse(list.InputSchema).RootElement.GetProperty("properties").EnumerateObject().Select(property => property.Name)
        );
    }

    [Fact]
    public void An_id_reads_back_and_matches_the_published_vector()
    {
        var id = Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8057");
        Assert.Equal("prefix_01h455vb4pex5vsknk084sn02q", Ids.Format("prefix", id));
        Assert.True(Ids.TryParse("prefix", "prefix_01h455vb4pex5vsknk084sn02q", out var parsed));
        Assert.Equal(id, parsed);
    }

    [Theory]
    [InlineData("org_01h455vb4pex5vsknk084sn02")]
    [InlineData("org_81h455vb4pex5vsknk084sn02q")]
    [InlineData("org_01h455vb4pex5vsknk084sn02u")]
    [InlineData("usr_01h455vb4pex5vsknk084sn02q")]
    [InlineData("org-01h455vb4pex5vsknk084sn02q")]
    [InlineData("")]
    public void What_is_no_id_does_not_parse(string text) => Assert.False(Ids.TryParse("org", text, out _));
}
