namespace Platform.Identity.Service.Governance;

/// <summary>
/// Marks what makes a credential, reveals one, or opens something to agents: the person proved who they are a short while ago. A browser
/// that somebody left open is not enough.
/// </summary>
internal sealed class FreshSignIn
{
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);
}
