using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OpenTelemetry;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Realm;

/// <summary>What happened in the realm that this service has to act on.</summary>
internal abstract record RealmEvent(string Id, DateTimeOffset At)
{
    public sealed record SessionEnded(string Id, DateTimeOffset At, string Session) : RealmEvent(Id, At);

    /// <summary>
    /// A code or a refresh token was used a second time, so Keycloak took the client's part out of the session. The person stays signed in
    /// for others, and for what the client is given later.
    /// </summary>
    public sealed record SignInEnded(string Id, DateTimeOffset At, string Session, string ClientId) : RealmEvent(Id, At);

    /// <summary>All that was issued to the person before; to one client, or to every one when it is null.</summary>
    public sealed record GrantRevoked(string Id, DateTimeOffset At, string Subject, string? ClientId) : RealmEvent(Id, At);

    /// <summary>An administrator changed an account: it can be disabled now.</summary>
    public sealed record AccountChanged(string Id, DateTimeOffset At, string Subject) : RealmEvent(Id, At);
}

/// <summary>
/// Reads the realm's events from a watermark. Keycloak writes an event some time after the instant it carries, so every read begins a while
/// before the last, and what was seen already is dropped by its id.
/// </summary>
internal sealed partial class RealmEvents(KeycloakAdmin keycloak, TimeProvider time)
{
    private const int Page = 500;

    // In Keycloak's words.
    private static readonly string[] _replays = ["Maximum allowed refresh token reuse exceeded", "Stale token"];

    private static readonly TimeSpan _overlap = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, DateTimeOffset> _seen = new(StringComparer.Ordinal);

    /// <summary>
    /// Where the next read begins. The first one looks back for as long as an access token can live: what was taken back before that is
    /// dead anyway.
    /// </summary>
    private DateTimeOffset _watermark = time.GetUtcNow() - AccessTokenRules.LongestLife;

    /// <summary>
    /// What is new since the last read. An event counts as seen only once it is given out and <see cref="Done"/> was called for it.
    /// </summary>
    public async Task<IReadOnlyList<RealmEvent>> ReadAsync(CancellationToken cancellationToken)
    {
        // Asked several times a second. What is done about an event has a span; that there was none needs none.
        using var unseen = SuppressInstrumentationScope.Begin();
        var from = (_watermark - _overlap).ToUnixTimeMilliseconds();
        var happened = ListAsync($"events?type=LOGOUT&type=REVOKE_GRANT&direction=asc&dateFrom={from}", Read, cancellationToken);
        var replayed = ListReplaysAsync(from, cancellationToken);
        var administered = ListAsync(
            $"admin-events?resourceTypes=USER&resourceTypes=USER_SESSION&direction=asc&dateFrom={from}",
            ReadAdministration,
            cancellationToken
        );
        await Task.WhenAll(happened, replayed, administered);
        return
        [
            .. (await happened)
                .Concat(await replayed)
                .Concat(await administered)
                .Where(found => !_seen.ContainsKey(found.Id))
                .OrderBy(found => found.At),
        ];
    }

    public void Done(RealmEvent happened)
    {
        _seen[happened.Id] = happened.At;
        if (happened.At > _watermark)
        {
            _watermark = happened.At;
        }

        foreach (var (id, _) in _seen.Where(seen => seen.Value < _watermark - 2 * _overlap).ToList())
        {
            _seen.Remove(id);
        }
    }

    // Anybody can cause these errors, and as many as they like. So one page is read, the newest: a flood delays nothing else that is read.
    private async Task<IEnumerable<RealmEvent>> ListReplaysAsync(long from, CancellationToken cancellationToken)
    {
        var page = await keycloak.ListAsync(
            $"events?type=REFRESH_TOKEN_ERROR&type=CODE_TO_TOKEN_ERROR&direction=desc&dateFrom={from}&max={Page}",
            cancellationToken
        );
        return page.SelectMany(happened => ReadReplay(happened!));
    }

    // The session is named once the signature of the token, or the form of the code, was found to be right.
    private static IEnumerable<RealmEvent> ReadReplay(JsonNode happened)
    {
        var isReplay = (string?)happened["type"] switch
        {
            "CODE_TO_TOKEN_ERROR" => (string?)happened["error"] == "invalid_code",
            _ => (string?)happened["error"] == "invalid_token"
                && _replays.Contains((string?)happened["details"]?["reason"] ?? "", StringComparer.Ordinal),
        };
        if (isReplay && (string?)happened["sessionId"] is { } session && (string?)happened["clientId"] is { } client)
        {
            yield return new RealmEvent.SignInEnded(Id(happened), At(happened), session, client);
        }
    }

    private async Task<List<RealmEvent>> ListAsync(
        string path,
        Func<JsonNode, IEnumerable<RealmEvent>> read,
        CancellationToken cancellationToken
    )
    {
        var found = new List<RealmEvent>();
        for (var first = 0; ; first += Page)
        {
            var page = await keycloak.ListAsync($"{path}&first={first}&max={Page}", cancellationToken);
            found.AddRange(page.SelectMany(happened => read(happened!)));
            if (page.Count < Page)
            {
                return found;
            }
        }
    }

    private static IEnumerable<RealmEvent> Read(JsonNode happened)
    {
        var id = Id(happened);
        var at = At(happened);
        switch ((string?)happened["type"])
        {
            case "LOGOUT" when (string?)happened["sessionId"] is { } session:
                yield return new RealmEvent.SessionEnded(id, at, session);
                break;
            case "REVOKE_GRANT" when (string?)happened["userId"] is { } subject:
                yield return new RealmEvent.GrantRevoked(id, at, subject, (string?)happened["details"]?["revoked_client"]);
                break;
        }
    }

    private static IEnumerable<RealmEvent> ReadAdministration(JsonNode happened)
    {
        var path = (string?)happened["resourcePath"] ?? "";
        if (SessionPath.Match(path) is { Success: true } session)
        {
            yield return new RealmEvent.SessionEnded(Id(happened), At(happened), session.Groups[1].Value);
        }
        else if (UserPath.Match(path) is { Success: true } user)
        {
            var subject = user.Groups["subject"].Value;
            yield return user.Groups["what"].Value switch
            {
                "logout" => new RealmEvent.GrantRevoked(Id(happened), At(happened), subject, null),
                "consents" => new RealmEvent.GrantRevoked(
                    Id(happened),
                    At(happened),
                    subject,
                    Uri.UnescapeDataString(user.Groups["which"].Value)
                ),
                _ => new RealmEvent.AccountChanged(Id(happened), At(happened), subject),
            };
        }
    }

    private static string Id(JsonNode happened) => (string)happened["id"]!;

    private static DateTimeOffset At(JsonNode happened) => DateTimeOffset.FromUnixTimeMilliseconds((long)happened["time"]!);

    [GeneratedRegex("^sessions/([^/]+)$")]
    private static partial Regex SessionPath { get; }

    [GeneratedRegex("^users/(?<subject>[^/]+)(/(?<what>[^/]+)(/(?<which>[^/]+))?)?$")]
    private static partial Regex UserPath { get; }
}
