using System.Text.Json.Nodes;

namespace Platform.Identity.EmbeddedRealm.State;

/// <summary>What the realm asks of a client's representation.</summary>
internal sealed record Client(JsonObject Json)
{
    public string Id => (string)Json["id"]!;

    public string ClientId => (string)Json["clientId"]!;

    public string Name =>
        (string?)Json["name"] is { Length: > 0 } name && !name.StartsWith("${", StringComparison.Ordinal) ? name : ClientId;

    public bool IsEnabled => Is("enabled", true);

    public bool IsPublic => Is("publicClient", false);

    public bool ConsentRequired => Is("consentRequired", false);

    public bool StandardFlow => Is("standardFlowEnabled", true);

    public bool ServiceAccount => Is("serviceAccountsEnabled", false);

    public bool FullScope => Is("fullScopeAllowed", true);

    public string Secret => (string?)Json["secret"] ?? "";

    public IEnumerable<string> RedirectUris => Texts("redirectUris");

    public IEnumerable<string> WebOrigins => Texts("webOrigins");

    public IEnumerable<string> DefaultScopes => Texts("defaultClientScopes");

    public IEnumerable<string> OptionalScopes => Texts("optionalClientScopes");

    public string? Attribute(string name) => (string?)(Json["attributes"] as JsonObject)?[name];

    private bool Is(string name, bool otherwise) => (bool?)Json[name] ?? otherwise;

    private IEnumerable<string> Texts(string name) => Json[name].Texts();
}

internal static class JsonNodes
{
    /// <summary>The texts of a list; none when there is no list.</summary>
    public static IEnumerable<string> Texts(this JsonNode? list) =>
        list is JsonArray items ? items.OfType<JsonValue>().Select(item => item.ToString()) : [];

    public static JsonArray ToJson(this IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    /// <summary>A setting that is true, said as a boolean or as a text.</summary>
    public static bool IsTrue(this JsonNode? node) =>
        node?.ToString() is { } text && text.Equals("true", StringComparison.OrdinalIgnoreCase);
}
