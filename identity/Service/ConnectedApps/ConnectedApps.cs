using System.Data;
using System.Text.Json.Nodes;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Keycloak;
using Platform.Identity.Service.PersonalTokens;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.ConnectedApps;

/// <summary>An OAuth client that a person has agreed to.</summary>
/// <param name="LastUsedAt">In the workspace that was asked about.</param>
internal sealed record ConnectedApp(
    string ClientId,
    string Name,
    IReadOnlyList<string> Scopes,
    DateTimeOffset? ConnectedAt,
    DateTimeOffset? ChangedAt,
    DateTimeOffset? LastUsedAt
);

/// <summary>What people have agreed to, from the realm, with when they used it, from us.</summary>
internal sealed class ConnectedApps(UnitOfWork work, KeycloakUsers users, Revocations revocations, LastUse lastUse, TimeProvider time)
{
    private const string FindUses = "select client_id, last_used_at from identity.connected_app where member_id = $1";

    private const string FindUse = "select last_used_at from identity.connected_app where member_id = $1 and client_id = $2";

    private const string ForgetUse = "delete from identity.connected_app where member_id = $1 and client_id = $2";

    // Two that disconnect at once would both find the consent.
    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('identity.connected_app ' || $1 || ' ' || $2, 0))";

    /// <param name="subject">The member's account; empty when none has ever signed in.</param>
    public async Task<IReadOnlyList<ConnectedApp>> ListAsync(Call call, Guid member, string subject, CancellationToken cancellationToken)
    {
        if (subject.Length == 0)
        {
            return [];
        }

        var consents = await users.ListConsentsAsync(subject, cancellationToken);
        var uses = await work.ReadAsync(
            call,
            SessionSettings.Default,
            async reader =>
            {
                var found = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
                while (await reader.ReadAsync(cancellationToken))
                {
                    found.Add(reader.GetString("client_id"), reader.GetFieldValue<DateTimeOffset>("last_used_at"));
                }

                return found;
            },
            cancellationToken,
            new Statement(FindUses, member)
        );
        return await Task.WhenAll(
            consents.Select(async consent =>
            {
                var client = (string)consent!["clientId"]!;
                return Describe(
                    client,
                    await users.ClientNameAsync(client, cancellationToken),
                    consent,
                    uses.TryGetValue(client, out var used) ? used : null
                );
            })
        );
    }

    /// <summary>
    /// Takes the consent back: what was issued is refused from now on by our own record, refresh tokens and sessions end in the realm.
    /// Should
    /// the realm fail, the app is shut out all the same, and the caller tries again.
    /// </summary>
    /// <exception cref="Grpc.Core.RpcException">NOT_FOUND: the person has not agreed to it.</exception>
    public async Task<ConnectedApp> RevokeAsync(WriteTransaction tx, Guid member, string subject, string client, bool confirmed)
    {
        await tx.ExecuteAsync(Lock, member.ToString(), client);
        var use = await tx.QueryAsync(FindUse, row => row.GetFieldValue<DateTimeOffset>(0), member, client);
        if (subject.Length == 0)
        {
            throw Problem.NotFound("connected app", client);
        }

        // A use without a consent is one that a try before took back, whose record did not commit.
        var consents = await users.ListConsentsAsync(subject, tx.Cancellation);
        var consent = consents.FirstOrDefault(found => (string?)found!["clientId"] == client);
        if (consent is null && use.Count == 0)
        {
            throw Problem.NotFound("connected app", client);
        }

        var app = Describe(client, await users.ClientNameAsync(client, tx.Cancellation), consent, use.Count == 0 ? null : use[0]);
        if (!confirmed)
        {
            await tx.ConfirmAsync(
                $"{client} {app.ChangedAt:O} {string.Join(' ', app.Scopes)}",
                new
                {
                    app = new
                    {
                        app.ClientId,
                        app.Name,
                        app.Scopes,
                        app.ConnectedAt,
                        app.LastUsedAt,
                    },
                }
            );
        }

        await revocations.RevokeGrantAsync(Ids.New().ToString(), subject, client, time.GetUtcNow(), tx.Cancellation);
        await users.RevokeConsentAsync(subject, client, tx.Cancellation);
        await tx.ExecuteAsync(ForgetUse, member, client);
        lastUse.ForgetApp(tx.Call.WorkspaceId, member, client);
        tx.Announce(
            new ConnectedAppRevoked(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, Ids.Format("mbr", member), client),
            "connected_app.revoked",
            new Target("connected_app", client)
        );
        return app;
    }

    private static ConnectedApp Describe(string client, string name, JsonNode? consent, DateTimeOffset? lastUsed) =>
        new(
            client,
            name,
            [.. (consent?["grantedClientScopes"] as JsonArray ?? []).Select(scope => (string)scope!).Order(StringComparer.Ordinal)],
            Time(consent?["createdDate"]),
            Time(consent?["lastUpdatedDate"]),
            lastUsed
        );

    private static DateTimeOffset? Time(JsonNode? milliseconds) =>
        milliseconds is null ? null : DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds);
}
