using System.Text.Json;
using System.Text.Json.Nodes;

namespace Platform.Identity.Service.Realm;

internal static class JsonComparison
{
    /// <summary>
    /// True when everything that is wanted is there. What Keycloak adds beside it does not count, lists are compared without order, since
    /// it
    /// gives them back in any, and an empty list or text is the same as none.
    /// </summary>
    public static bool Covers(JsonNode? actual, JsonNode? wanted) =>
        wanted switch
        {
            null => actual is null,
            JsonObject members => actual is JsonObject other
                ? members.All(member => Covers(other[member.Key], member.Value))
                : members.Count == 0,
            JsonArray items => actual is JsonArray other
                ? items.Count == other.Count && items.All(item => other.Any(candidate => Covers(candidate, item)))
                : actual is null && items.Count == 0,
            _ => Text(wanted) == Text(actual),
        };

    // Attributes and mapper settings are texts in Keycloak, whatever they mean.
    private static string Text(JsonNode? node) =>
        node switch
        {
            null => "",
            JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
            _ => node.ToJsonString(),
        };
}
