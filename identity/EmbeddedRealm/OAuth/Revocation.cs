using Platform.Identity.EmbeddedRealm.Tokens;

namespace Platform.Identity.EmbeddedRealm.OAuth;

/// <summary>Takes back a token (RFC 7009). With a refresh token goes all that the client has of that session; the consent stays.</summary>
internal static class Revocation
{
    public static async ValueTask<Answer> Revoke(RealmRequest request)
    {
        var realm = request.Realm;
        if (ClientAuthentication.Find(request, out var refusal) is not { } client)
        {
            return refusal;
        }

        Cors.Allow(request, client);
        if (request.Field("token") is not { Length: > 0 } text)
        {
            return Answer.Error(400, "invalid_request", "Token not provided");
        }

        if (await TokenIssuer.OpenAsync(realm, text, "Refresh", "Offline") is { } refresh)
        {
            if (TokenIssuer.Text(refresh, "azp") != client.ClientId)
            {
                return Answer.Error(400, "invalid_token", "Unmatching clients");
            }

            if (TokenEndpoint.FindGrant(realm, refresh) is { } grant)
            {
                realm.State.Grants.RemoveAll(other => other.SessionId == grant.SessionId && other.ClientId == client.ClientId);
                realm.Changed();
                realm.Record(
                    "REVOKE_GRANT",
                    client.ClientId,
                    request.Address,
                    grant.UserId,
                    grant.SessionId,
                    details: ("revoked_client", client.ClientId)
                );
            }
        }
        else if (await TokenIssuer.ReadAsync(realm, text, "Bearer") is { } access)
        {
            if (TokenIssuer.Text(access, "azp") != client.ClientId)
            {
                return Answer.Error(400, "invalid_token", "Unmatching clients");
            }

            realm.Record(
                "REVOKE_GRANT",
                client.ClientId,
                request.Address,
                access.Subject,
                TokenIssuer.Text(access, "sid"),
                details: ("token_id", access.Id)
            );
        }
        // What nobody knows is revoked already.
        return new Answer(200);
    }
}
