using System.Text.Json;
using System.Text.Json.Nodes;

namespace Platform.Identity.Service.Registration;

/// <summary>What a client asked for cannot be registered. The error is one of RFC 7591, section 3.2.2.</summary>
internal sealed class RegistrationRefusedException(string error, string description) : Exception(description)
{
    public string Error { get; } = error;
}

/// <summary>
/// What a client says about itself (RFC 7591, section 2), as far as it is registered: its name, where it is answered, how it proves who it
/// is. Addresses that would only be shown, such as <c>client_uri</c> and <c>logo_uri</c>, are not kept: anybody can name anybody's.
/// </summary>
/// <param name="AuthMethod">At the token endpoint: <c>none</c>, <c>client_secret_basic</c> or <c>client_secret_post</c>.</param>
/// <param name="Scope">As asked, separated by spaces; null when the client did not say.</param>
internal sealed record ClientMetadata(string Name, IReadOnlyList<string> RedirectUris, string AuthMethod, string? Scope)
{
    public const int MaxName = 100;
    public const int MaxRedirects = 20;
    public const int MaxAddress = 500;

    private const string Malformed = "invalid_client_metadata";

    private static readonly string[] _authMethods = ["none", "client_secret_basic", "client_secret_post"];

    // The server would have to call these, or trust what is behind them.
    private static readonly string[] _refused =
    [
        "attributes",
        "backchannel_client_notification_endpoint",
        "backchannel_logout_uri",
        "frontchannel_logout_uri",
        "initiate_login_uri",
        "jwks",
        "jwks_uri",
        "request_object_signing_alg",
        "request_uris",
        "sector_identifier_uri",
        "software_statement",
        "tls_client_auth_subject_dn",
        "webOrigins",
    ];

    public bool IsPublic => AuthMethod == "none";

    /// <param name="scopes">Those that a client can be given.</param>
    /// <exception cref="RegistrationRefusedException">Something in it cannot be registered: the message says what, and the fix.</exception>
    public static ClientMetadata Read(JsonElement json, RedirectRules redirects, IReadOnlySet<string> scopes)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new RegistrationRefusedException(Malformed, "The body must be a JSON object (RFC 7591).");
        }

        foreach (var name in _refused)
        {
            if (json.TryGetProperty(name, out _))
            {
                throw new RegistrationRefusedException(Malformed, $"{name} cannot be registered here. Leave it out.");
            }
        }

        return new ClientMetadata(ReadName(json), ReadRedirects(json, redirects), ReadAuthMethod(json), ReadScope(json, scopes));
    }

    /// <summary>The answer of RFC 7591, section 3.2.1: what was registered, which may be less than what was asked for.</summary>
    public JsonObject Describe(string clientId, string? secret, DateTimeOffset issuedAt)
    {
        var answer = new JsonObject
        {
            ["client_id"] = clientId,
            ["client_id_issued_at"] = issuedAt.ToUnixTimeSeconds(),
            ["client_name"] = Name,
            ["redirect_uris"] = new JsonArray([.. RedirectUris]),
            ["grant_types"] = new JsonArray("authorization_code", "refresh_token"),
            ["response_types"] = new JsonArray("code"),
            ["token_endpoint_auth_method"] = AuthMethod,
        };
        if (Scope is not null)
        {
            answer["scope"] = Scope;
        }

        if (secret is not null)
        {
            answer["client_secret"] = secret;
            answer["client_secret_expires_at"] = 0;
        }

        return answer;
    }

    private static string ReadName(JsonElement json)
    {
        var name = ReadText(json, "client_name")?.Trim() ?? "";
        return name switch
        {
            "" => "Unnamed client",
            { Length: > MaxName } => throw new RegistrationRefusedException(
                Malformed,
                $"client_name is longer than {MaxName} characters. Send a shorter one."
            ),
            _ when name.Any(char.IsControl) => throw new RegistrationRefusedException(
                Malformed,
                "client_name holds control characters. Send one line of text."
            ),
            _ => name,
        };
    }

    private static List<string> ReadRedirects(JsonElement json, RedirectRules rules)
    {
        var addresses = ReadTexts(json, "redirect_uris");
        if (addresses is not { Count: >= 1 and <= MaxRedirects })
        {
            throw new RegistrationRefusedException("invalid_redirect_uri", $"redirect_uris must hold 1 to {MaxRedirects} addresses.");
        }

        for (var i = 0; i < addresses.Count; i++)
        {
            var problem =
                addresses[i].Length > MaxAddress ? $"must not be longer than {MaxAddress} characters." : rules.Problem(addresses[i]);
            if (problem is not null)
            {
                throw new RegistrationRefusedException("invalid_redirect_uri", $"redirect_uris[{i}] {problem}");
            }
        }

        return addresses;
    }

    // Some clients name every grant and answer that they know. They get the code flow, and are told so; one that does not know it cannot
    // use what it would get.
    private static string ReadAuthMethod(JsonElement json)
    {
        Require("grant_types", "authorization_code");
        Require("response_types", "code");
        var method = ReadText(json, "token_endpoint_auth_method") ?? "client_secret_basic";
        return _authMethods.Contains(method)
            ? method
            : throw new RegistrationRefusedException(
                Malformed,
                $"token_endpoint_auth_method must be one of {string.Join(", ", _authMethods)}."
            );

        void Require(string name, string value)
        {
            if (ReadTexts(json, name) is { Count: > 0 } named && !named.Contains(value))
            {
                throw new RegistrationRefusedException(
                    Malformed,
                    $"{name} must include {value}: clients sign people in with the authorization code flow alone."
                );
            }
        }
    }

    private static string? ReadScope(JsonElement json, IReadOnlySet<string> scopes)
    {
        var scope = ReadText(json, "scope");
        var unknown = scope?.Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(name => !scopes.Contains(name));
        return unknown is null
            ? string.IsNullOrWhiteSpace(scope)
                ? null
                : scope
            : throw new RegistrationRefusedException(
                Malformed,
                $"scope names {Quote(unknown)}, which clients cannot be given. Known: {string.Join(' ', scopes)}."
            );
    }

    private static string? ReadText(JsonElement json, string name) =>
        !json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? Text(value, name)
        : throw new RegistrationRefusedException(Malformed, $"{name} must be a text.");

    private static List<string>? ReadTexts(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => Text(item, name))]
            : throw new RegistrationRefusedException(Malformed, $"{name} must be an array of texts.");
    }

    // Half of a surrogate pair is JSON, and is no text.
    private static string Text(JsonElement value, string name)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new RegistrationRefusedException(Malformed, $"{name} holds a text that is not valid Unicode.");
        }
    }

    private static string Quote(string text) => text.Length <= 60 ? text : $"{text[..60]}…";
}
