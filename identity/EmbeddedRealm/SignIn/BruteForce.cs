using Platform.Identity.EmbeddedRealm.State;

namespace Platform.Identity.EmbeddedRealm.SignIn;

/// <summary>
/// Makes whoever guesses passwords wait, by Keycloak's rules and the realm's settings. It holds against one account from everywhere.
/// </summary>
internal static class BruteForce
{
    public static bool IsLocked(ServedRealm realm, User user) => user.Failures?.NotBefore is { } until && realm.Now < until;

    public static void Failed(ServedRealm realm, User user, string? address)
    {
        if (!realm.IsOn("bruteForceProtected"))
        {
            return;
        }

        var now = realm.Now;
        var failures = user.Failures ??= new LoginFailures();
        var since = failures.Count == 0 ? TimeSpan.MaxValue : now - failures.Last;
        if (failures.Count > 0 && since > realm.Seconds("maxDeltaTimeSeconds", 43200))
        {
            failures.Count = 0;
        }

        failures.Count++;
        failures.Last = now;
        failures.Address = address;

        var wait = realm.Seconds("waitIncrementSeconds", 60) * (failures.Count / Math.Max(1, realm.Number("failureFactor", 30)));
        if (wait == TimeSpan.Zero && since < TimeSpan.FromMilliseconds(realm.Number("quickLoginCheckMilliSeconds", 1000)))
        {
            wait = realm.Seconds("minimumQuickLoginWaitSeconds", 60);
        }

        var longest = realm.Seconds("maxFailureWaitSeconds", 900);
        if (wait > TimeSpan.Zero)
        {
            failures.NotBefore = now + (wait < longest ? wait : longest);
        }

        realm.Changed();
    }

    public static void Succeeded(ServedRealm realm, User user)
    {
        if (user.Failures is null)
        {
            return;
        }

        user.Failures = null;
        realm.Changed();
    }
}
