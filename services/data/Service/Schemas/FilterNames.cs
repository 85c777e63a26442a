using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Platform.Data.Service.Fields;

namespace Platform.Data.Service.Schemas;

/// <summary>Names in a filter that was checked before: of fields and choices, to ids and back.</summary>
internal static class FilterNames
{
    public static string ToIds(TableSchema table, ByteString filter) =>
        Rewrite(table, filter, field => field.Id == Guid.Empty ? field.Name : field.Key, choice => choice.Key);

    public static string ToNames(TableSchema table, ByteString filter) =>
        Rewrite(table, filter, field => field.Name, choice => choice.Label);

    private static string Rewrite(
        TableSchema table,
        ByteString filter,
        Func<FieldSchema, string> nameOf,
        Func<ChoiceSchema, string> labelOf
    )
    {
        var root = Plain(JsonNode.Parse(filter.Span))!.AsObject();
        Rewrite(root);
        return root.ToJsonString(_json);

        void Rewrite(JsonObject condition)
        {
            foreach (var (name, _) in condition.Where(member => member.Value is null).ToList())
            {
                condition.Remove(name);
            }

            if (condition.ContainsKey("conditions"))
            {
                var conditions = new JsonArray([.. Plain(condition["conditions"])!.AsArray().Select(part => Plain(part)!.DeepClone())]);
                foreach (var part in conditions)
                {
                    Rewrite(part!.AsObject());
                }

                condition["conditions"] = conditions;
            }

            if (condition["leftSide"] is not JsonValue left || table.FindAny(left.GetValue<string>()) is not { } field)
            {
                return;
            }

            condition["leftSide"] = nameOf(field);
            var byChoice =
                condition["operator"]!.GetValue<string>()
                is "IS"
                    or "IS_NOT"
                    or "IS_ONE_OF"
                    or "IS_NOT_ONE_OF"
                    or "HAS_ANY_OF"
                    or "HAS_ALL_OF"
                    or "HAS_NONE_OF";
            if (field.Kind.HasChoices && byChoice)
            {
                var right = condition["rightSide"];
                condition["rightSide"] = (IsChoice(field, right) ? right : Plain(right)) is JsonArray items
                    ? new JsonArray([.. items.Select(item => Choice(field, item))])
                    : Choice(field, right);
            }
        }

        bool IsChoice(FieldSchema field, JsonNode? value) =>
            value is JsonValue text && field.FindChoice(text.GetValue<string>()) is not null;

        JsonNode? Choice(FieldSchema field, JsonNode? value) =>
            value is JsonValue text && field.FindChoice(text.GetValue<string>()) is { } choice ? labelOf(choice) : value?.DeepClone();
    }

    // Conditions and lists may have been sent as the text of their JSON.
    private static JsonNode? Plain(JsonNode? node) =>
        node is JsonValue value && JsonText.Quoted(value.GetValue<JsonElement>()) is { } meant ? JsonNode.Parse(meant.GetRawText()) : node;

    private static readonly JsonSerializerOptions _json = new() { Encoder = JsonText.Encoder };
}
