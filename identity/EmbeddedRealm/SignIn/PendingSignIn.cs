using System.Buffers.Text;
using System.Security.Cryptography;
using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.SignIn;

/// <summary>What a client asked for, checked.</summary>
internal sealed record AuthorizationRequest(
    Client Client,
    string RedirectUri,
    string ResponseMode,
    HashSet<string> Scopes,
    string? State,
    string? Nonce,
    string? CodeChallenge,
    string Prompt
);

/// <summary>A person on the way through the pages. Only the browser that began may go on.</summary>
internal sealed class PendingSignIn(string id, string browser, AuthorizationRequest request, DateTimeOffset expires)
{
    public string Id => id;

    public string Browser => browser;

    public AuthorizationRequest Request => request;

    public DateTimeOffset Expires => expires;

    public Session? Session { get; set; }
}

internal sealed class PendingSignIns(TimeProvider time)
{
    private const int Max = 10_000;

    private readonly Dictionary<string, PendingSignIn> _pending = [];

    public PendingSignIn Begin(string browser, AuthorizationRequest request, TimeSpan lifespan)
    {
        foreach (var over in _pending.Values.Where(pending => pending.Expires <= time.GetUtcNow()).ToList())
        {
            _pending.Remove(over.Id);
        }

        if (_pending.Count >= Max)
        {
            _pending.Remove(_pending.Values.MinBy(pending => pending.Expires)!.Id);
        }

        var begun = new PendingSignIn(Handles.New(), browser, request, time.GetUtcNow() + lifespan);
        return _pending[begun.Id] = begun;
    }

    public PendingSignIn? Find(string? id, string? browser) =>
        id is not null && _pending.GetValueOrDefault(id) is { } found && found.Expires > time.GetUtcNow() && found.Browser == browser
            ? found
            : null;

    public void End(PendingSignIn pending) => _pending.Remove(pending.Id);
}

/// <summary>A code that a client exchanges once.</summary>
internal sealed record AuthorizationCode(AuthorizationRequest Request, string UserId, Session Session, DateTimeOffset Expires)
{
    /// <summary>What it was exchanged for.</summary>
    public string? GrantId { get; set; }
}

internal sealed class AuthorizationCodes(TimeProvider time)
{
    private readonly Dictionary<string, AuthorizationCode> _codes = [];

    public string Issue(AuthorizationRequest request, string userId, Session session, TimeSpan lifespan)
    {
        // One that was used is kept for a while, so that its second use is seen.
        foreach (var (old, _) in _codes.Where(issued => issued.Value.Expires + TimeSpan.FromMinutes(10) <= time.GetUtcNow()).ToList())
        {
            _codes.Remove(old);
        }

        var code = Handles.New();
        _codes[code] = new AuthorizationCode(request, userId, session, time.GetUtcNow() + lifespan);
        return code;
    }

    public AuthorizationCode? Find(string? code) => code is null ? null : _codes.GetValueOrDefault(code);
}

/// <summary>Names that nobody guesses.</summary>
internal static class Handles
{
    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
