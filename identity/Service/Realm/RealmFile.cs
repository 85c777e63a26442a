using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Platform.Identity.Service.Realm;

/// <summary>
/// The realm as code, with the placeholders <c>${NAME}</c> and <c>${NAME:default}</c> of Keycloak's own import filled in. An item of a list
/// that is one placeholder becomes as many items as its value has, separated by commas.
/// </summary>
internal sealed partial class RealmFile
{
    private RealmFile(JsonObject json) => Json = json;

    public JsonObject Json { get; }

    /// <summary>Client ids of the clients that the file names.</summary>
    public IEnumerable<string> ClientIds => Json["clients"]!.AsArray().Select(client => (string)client!["clientId"]!);

    /// <summary>Scopes that every client can ask a person for.</summary>
    public IEnumerable<string> OptionalScopes => Json["defaultOptionalClientScopes"]!.AsArray().Select(scope => (string)scope!);

    /// <summary>Client ids of the clients that act for people, who agree to it first.</summary>
    public IEnumerable<string> ConsentedClientIds =>
        Json["clients"]!
            .AsArray()
            .Where(client => (bool?)client!["consentRequired"] == true)
            .Select(client => (string)client!["clientId"]!);

    /// <summary>Lets a client of the file be answered at further addresses.</summary>
    public void AddRedirectUris(string clientId, IEnumerable<string> addresses)
    {
        var uris = Json["clients"]!.AsArray().Single(client => (string?)client!["clientId"] == clientId)!["redirectUris"]!.AsArray();
        foreach (var address in addresses.Except(uris.Select(uri => (string)uri!)).ToList())
        {
            uris.Add(address);
        }
    }

    public static RealmFile Load(string? path, IReadOnlyDictionary<string, string> values)
    {
        using var stream = string.IsNullOrEmpty(path)
            ? typeof(RealmFile).Assembly.GetManifestResourceStream("platform-realm.json")!
            : File.OpenRead(path);
        var json = JsonNode.Parse(stream)!.AsObject();
        Fill(json, values);
        return new RealmFile(json);
    }

    private static void Fill(JsonNode node, IReadOnlyDictionary<string, string> values)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, member) in members.ToList())
                {
                    if (Text(member) is { } text)
                    {
                        members[name] = Fill(text, values);
                    }
                    else if (member is not null)
                    {
                        Fill(member, values);
                    }
                }

                break;
            case JsonArray items:
                for (var i = items.Count - 1; i >= 0; i--)
                {
                    if (Text(items[i]) is not { } text)
                    {
                        Fill(items[i]!, values);
                        continue;
                    }

                    items.RemoveAt(i);
                    foreach (var part in (text.Contains("${", StringComparison.Ordinal) ? Fill(text, values).Split(',') : [text]).Reverse())
                    {
                        items.Insert(i, part.Trim());
                    }
                }

                break;
        }
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    // A name without a value and without a default stays as it is: Keycloak has placeholders of its own, such as ${client_id}.
    private static string Fill(string text, IReadOnlyDictionary<string, string> values) =>
        Placeholder.Replace(text, match => values.TryGetValue(match.Groups["name"].Value, out var value) && value.Length > 0 ? value
            : match.Groups["default"] is { Success: true } fallback ? fallback.Value
            : match.Value);

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+)(:(?<default>[^}]*))?\}")]
    private static partial Regex Placeholder { get; }
}
