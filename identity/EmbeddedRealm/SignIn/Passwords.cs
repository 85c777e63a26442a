using System.Globalization;
using Microsoft.AspNetCore.Identity;

namespace Platform.Identity.EmbeddedRealm.SignIn;

/// <summary>A password that the realm's rules do not allow. The message is for the person.</summary>
internal sealed class PasswordRefusedException(string error, string message) : Exception(message)
{
    /// <summary>What the genuine Keycloak calls it.</summary>
    public string Error => error;
}

/// <summary>Passwords are kept as ASP.NET Core Identity keeps them (PBKDF2 with HMAC-SHA512).</summary>
internal static class Passwords
{
    private static readonly PasswordHasher<string> s_hasher = new();

    // What a stranger's name is compared with, so that the answer takes as long as for a known one.
    private static readonly string s_nobodys = s_hasher.HashPassword("", Guid.NewGuid().ToString());

    public static string Hash(string password, string username, string? email, string? policy)
    {
        if (PasswordRules.Broken(password, username, email, policy) is var (error, message))
        {
            throw new PasswordRefusedException(error, message);
        }

        return s_hasher.HashPassword("", password);
    }

    public static bool Verify(string? hash, string password) =>
        s_hasher.VerifyHashedPassword("", hash ?? s_nobodys, password) != PasswordVerificationResult.Failed && hash is not null;
}

/// <summary>The realm's <c>passwordPolicy</c>: rules joined by <c>and</c>.</summary>
internal static class PasswordRules
{
    /// <exception cref="RealmStartException">A rule that is not served.</exception>
    public static void Check(string? policy)
    {
        foreach (var (rule, _) in Rules(policy))
        {
            if (rule is not ("length" or "maxLength" or "notUsername" or "notEmail"))
            {
                throw new RealmStartException($"The embedded realm does not know the password rule '{rule}'.");
            }
        }
    }

    /// <summary>The rule that a password breaks, in plain words; null for none.</summary>
    public static (string Error, string Message)? Broken(string password, string username, string? email, string? policy)
    {
        foreach (var (rule, value) in Rules(policy))
        {
            (string, string)? broken = rule switch
            {
                "length" when password.Length < value => ("invalidPasswordMinLengthMessage", $"Invalid password: minimum length {value}."),
                "maxLength" when password.Length > value => (
                    "invalidPasswordMaxLengthMessage",
                    $"Invalid password: maximum length {value}."
                ),
                "notUsername" when password.Equals(username, StringComparison.OrdinalIgnoreCase) => (
                    "invalidPasswordNotUsernameMessage",
                    "Invalid password: must not be equal to the username."
                ),
                "notEmail" when password.Equals(email, StringComparison.OrdinalIgnoreCase) => (
                    "invalidPasswordNotEmailMessage",
                    "Invalid password: must not be equal to the email."
                ),
                _ => null,
            };
            if (broken is not null)
            {
                return broken;
            }
        }
        return null;
    }

    private static IEnumerable<(string Rule, int Value)> Rules(string? policy)
    {
        foreach (var rule in (policy ?? "").Split(" and ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var parts = rule.TrimEnd(')').Split('(', 2);
            yield return (parts[0], parts.Length > 1 && int.TryParse(parts[1], CultureInfo.InvariantCulture, out var value) ? value : 0);
        }
    }
}
