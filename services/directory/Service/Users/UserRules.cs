using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Users;

/// <summary>What holds for a user whichever call writes them.</summary>
internal static class UserRules
{
    public static string Email(string text) =>
        EmailAddress.TryNormalize(text, out var email, out var rule) ? email : throw Problem.Invalid("email", rule, EmailAddress.Fix);

    /// <summary>Empty when there is none.</summary>
    public static string Name(string text, string field)
    {
        var name = text.Trim();
        return name.Any(char.IsControl)
            ? throw Problem.Invalid(field, "holds a line break or another control character", "Send one line of text.")
            : name;
    }
}
