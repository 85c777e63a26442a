using System.Text.RegularExpressions;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

internal sealed partial class EmailKind() : TextKind(FieldType.Email, 320)
{
    public static readonly EmailKind Instance = new();

    protected override Parsed Check(string text) =>
        Address().IsMatch(text)
            ? new Parsed(text)
            : Parsed.Refused("is not an e-mail address", "Send one address such as ada@example.com.");

    // Deliberately loose: only the mail server of the domain knows what it accepts.
    [GeneratedRegex(@"^[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Address();
}
