using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Edge.Catalogue;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Tests.Tools;

/// <summary>
/// A law over every argument of every tool: a text or a list that is given and empty is refused by name, or reaches the service, or the
/// contract says that it means the same as leaving it out. It is never ignored.
/// </summary>
public sealed class EmptyArgumentTests
{
    public static TheoryData<string> Names => [.. Product.Surface.Tools.Select(tool => tool.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_given_and_empty_is_never_ignored(string name)
    {
        var tool = Product.Surface.Tools.Single(tool => tool.Name == name);
        Assert.Empty(Places(tool.Definition.Method.InputType, []).Where(place => IsIgnored(tool, place)).Select(place => place.ToString()));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_shared_argument_that_is_empty_is_refused_by_name(string name)
    {
        var tool = Product.Surface.Tools.Single(tool => tool.Name == name);
        foreach (var argument in SharedArguments.Of(tool.Definition).Where(argument => argument != SharedArguments.DryRun))
        {
            Assert.Contains($"{argument}: is empty.", Check(tool, $$"""{"{{argument}}":""}""").What, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("create_database", """{"name":""}""", "name: is empty.", "Send name.")]
    [InlineData("create_records", """{"tableId":"tbl_1","records":[]}""", "records: is empty.", "Send records.")]
    [InlineData("list_records", """{"tableId":"tbl_1","cursor":""}""", "cursor: is empty.", "Send a value, or leave it out.")]
    [InlineData("list_records", """{"tableId":"tbl_1","returnFields":[]}""", "returnFields: is empty.", "Send a value, or leave it out.")]
    [InlineData(
        "invite_members",
        """{"invitations":[{"email":"ada@example.com","roles":[]}]}""",
        "invitations[0].roles: is empty.",
        "Send a value, or leave it out."
    )]
    [InlineData("update_audit_stream", """{"streamId":"str_1","actions":[]}""", "actions: is empty.", "Send a value, or leave it out.")]
    [InlineData("update_table", """{"tableId":"tbl_1","name":""}""", "name: is empty.", "Send a value, or leave it out.")]
    public void A_refusal_names_the_field_and_what_to_do(string tool, string arguments, string what, string fix)
    {
        var violations = Check(Product.Surface.Tools.Single(one => one.Name == tool), arguments);
        Assert.Equal(1, violations.Count);
        Assert.Contains(what, violations.What, StringComparison.Ordinal);
        Assert.Contains(fix, violations.Fix, StringComparison.Ordinal);
    }

    private static bool IsIgnored(ToolBinding tool, Place place)
    {
        var given = place.Arguments(withIt: true);
        if (
            Check(tool, given).What.Contains($"{place}: ", StringComparison.Ordinal)
            || place.Field.GetOptions()?.GetExtension(OptionsExtensions.Field)?.MayBeEmpty == true
        )
        {
            return false;
        }

        return Encode(tool, given).Equals(Encode(tool, place.Arguments(withIt: false)));
    }

    private static Violations Check(ToolBinding tool, string arguments)
    {
        using var document = JsonDocument.Parse(arguments);
        var violations = new Violations();
        tool.Arguments.Read(document.RootElement, violations);
        return violations;
    }

    // What a service would read, written again: with presence, an empty text leaves a trace.
    private static ByteString Encode(ToolBinding tool, string arguments)
    {
        using var document = JsonDocument.Parse(arguments);
        using var wire = new PooledBuffer();
        RequestEncoder.Encode(document.RootElement, tool.Request, wire, new Violations());
        return tool.Definition.Method.InputType.Parser.ParseFrom(wire.WrittenSpan).ToByteString();
    }

    private static IEnumerable<Place> Places(MessageDescriptor message, IReadOnlyList<FieldDescriptor> above)
    {
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            if (field.IsRepeated || field.FieldType == FieldType.String)
            {
                yield return new Place(above, field);
            }

            if (
                field is { FieldType: FieldType.Message, IsMap: false }
                && field.MessageType.FullName is not ("platform.Json" or "google.protobuf.Timestamp")
            )
            {
                foreach (var below in Places(field.MessageType, [.. above, field]))
                {
                    yield return below;
                }
            }
        }
    }

    private sealed record Place(IReadOnlyList<FieldDescriptor> Above, FieldDescriptor Field)
    {
        public string Arguments(bool withIt)
        {
            var value = new JsonObject();
            if (withIt)
            {
                value[Field.JsonName] =
                    Field.IsMap ? new JsonObject()
                    : Field.IsRepeated ? new JsonArray()
                    : "";
            }

            foreach (var field in Above.Reverse())
            {
                value = new JsonObject { [field.JsonName] = field.IsRepeated ? new JsonArray(value) : value };
            }

            return value.ToJsonString();
        }

        public override string ToString() =>
            string.Concat(Above.Select(field => field.JsonName + (field.IsRepeated ? "[0]." : "."))) + Field.JsonName;
    }
}
