namespace Platform.Identity.Contracts;

/// <summary>What holds for every access token of the realm, whoever checks it.</summary>
public static class AccessTokenRules
{
    /// <summary>
    /// From its issue to its expiry. A token that claims more is refused, whatever its client was told: revocations are remembered for as
    /// long.
    /// </summary>
    public static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);
}
