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
                "digits" => $"At least {value} of its characters are digits.",
                "lowerCase" => $"At least {value} of its characters are lower case letters.",
                "upperCase" => $"At least {value} of its characters are upper case letters.",
                "specialChars" => $"At least {value} of its characters are neither letters nor digits.",
                "notEmail" => "Not your address.",
                "notContainsUsername" => "It must not contain your address.",
                "passwordBlacklist" => "Not one of those that everybody tries first.",
                "regexPattern" => "Of the form that your organization demands.",
                // The address is the user name; the others say how passwords are kept, and what the person has not had yet.
                _ => null,
            };
            if (text is not null)
            {
                yield return text;
            }
        }
    }
}
