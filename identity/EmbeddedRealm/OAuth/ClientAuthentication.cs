using System.Net;
using System.Security.Cryptography;
using System.Text;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>Which client asks: by its secret in a header or in the form, or by its name alone when it is a public one.</summary>
internal static class ClientAuthentication
{
    public static Client? Find(RealmRequest request, out Answer refusal)
    {
        refusal = Answer.Error(401, "invalid_client", "Invalid client or Invalid client credentials");
        var (name, secret) = (request.Field("client_id"), request.Field("client_secret"));
        if (
            request.Http.Request.Headers.Authorization is [{ } header, ..]
            && header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)
        )
        {
            if (Basic(header[6..]) is not { } basic || (name is not null && name != basic.Name))
            {
                return null;
            }

            (name, secret) = basic;
        }
        if (request.Realm.FindClient(name) is not { IsEnabled: true } client)
        {
            return null;
        }

        if (client.IsPublic)
        {
            return client;
        }

        var isRight =
            client.Secret.Length > 0
            && !client.Json["bearerOnly"].IsTrue()
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(secret ?? ""), Encoding.UTF8.GetBytes(client.Secret));
        return isRight ? client : null;
    }

    private static (string Name, string Secret)? Basic(string encoded)
    {
        var bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded.Trim(), bytes, out var length))
        {
            return null;
        }

        var parts = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
        return parts.Length == 2 ? (WebUtility.UrlDecode(parts[0]), WebUtility.UrlDecode(parts[1])) : null;
    }
}
