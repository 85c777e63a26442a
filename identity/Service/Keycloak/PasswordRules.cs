namespace Platform.Identity.Service.Keycloak;

/// <summary>The realm's <c>passwordPolicy</c> (rules joined by <c>and</c>) in plain words.</summary>
internal static class PasswordRules
{
    public static IEnumerable<string> Describe(string? policy)
    {
        foreach (var rule in (policy ?? "").Split(" and ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var parts = rule.TrimEnd(')').Split('(', 2);
            var value = parts.Length > 1 && parts[1] is not ("" or "undefined") ? parts[1] : "1";
            var text = parts[0] switch
            {
                "length" => $"At least {value} characters.",
                "maxLength" => $"At most {value} characters.",
                "digits" => $"At least {value} {Of(value, "digit")}.",
                "lowerCase" => $"At least {value} lower case {Of(value, "letter")}.",
                "upperCase" => $"At least {value} upper case {Of(value, "letter")}.",
                "specialChars" => $"At least {value} {Of(value, "character")} other than letters and digits.",
                "notEmail" => "It must not be your e-mail address.",
                "notContainsUsername" => "It must not contain your e-mail address.",
                "passwordBlacklist" => "It must not be a common password.",
                "regexPattern" => "It must have the form that your organization requires.",
                // The address is the user name; the others say how passwords are kept, and what the person has not had yet.
                _ => null,
            };
            if (text is not null)
            {
                yield return text;
            }
        }
    }

    private static string Of(string count, string noun) => count == "1" ? noun : noun + "s";
}
