using System.Text.Json.Nodes;
using Platform.Identity.EmbeddedRealm.SignIn;

namespace Platform.Identity.EmbeddedRealm.State;

/// <summary>A user as the admin API shows and takes one.</summary>
internal static class UserRepresentation
{
    public static JsonObject Of(User user)
    {
        var json = new JsonObject
        {
            ["id"] = user.Id,
            ["username"] = user.Username,
            ["emailVerified"] = user.EmailVerified,
            ["enabled"] = user.Enabled,
            ["createdTimestamp"] = user.Created.ToUnixTimeMilliseconds(),
            ["requiredActions"] = user.RequiredActions.ToJson(),
            ["notBefore"] = user.NotBefore?.ToUnixTimeSeconds() ?? 0,
        };
        foreach (
            var (name, value) in new[]
            {
                ("email", user.Email),
                ("firstName", user.FirstName),
                ("lastName", user.LastName),
                ("serviceAccountClientId", user.ServiceAccountClientId),
            }
        )
        {
            if (value is not null)
            {
                json[name] = value;
            }
        }
        if (user.Attributes.Count > 0)
        {
            json["attributes"] = user.Attributes.DeepClone();
        }

        return json;
    }

    /// <summary>Takes what is named and leaves the rest.</summary>
    /// <exception cref="PasswordRefusedException">Nothing was taken.</exception>
    public static void Apply(User user, JsonObject json, string? passwordPolicy)
    {
        var username = Text("username", user.Username)!;
        var email = Text("email", user.Email);
        var hash = user.PasswordHash;
        var actions = json.ContainsKey("requiredActions") ? [.. json["requiredActions"].Texts()] : user.RequiredActions.ToList();
        foreach (
            var credential in (json["credentials"] as JsonArray ?? [])
                .OfType<JsonObject>()
                .Where(credential => (string?)credential["type"] == "password")
        )
        {
            hash = Passwords.Hash((string?)credential["value"] ?? "", username, email, passwordPolicy);
            if (credential["temporary"].IsTrue())
            {
                actions.Add("UPDATE_PASSWORD");
            }
        }
        user.Username = username;
        user.Email = email;
        user.PasswordHash = hash;
        user.RequiredActions = [.. actions.Distinct()];
        user.EmailVerified = json.ContainsKey("emailVerified") ? json["emailVerified"].IsTrue() : user.EmailVerified;
        user.Enabled = json.ContainsKey("enabled") ? json["enabled"].IsTrue() : user.Enabled;
        user.FirstName = Text("firstName", user.FirstName);
        user.LastName = Text("lastName", user.LastName);
        if (json["attributes"] is JsonObject attributes)
        {
            user.Attributes = attributes.DeepClone().AsObject();
        }

        string? Text(string name, string? otherwise) => json.ContainsKey(name) ? (string?)json[name] : otherwise;
    }
}
