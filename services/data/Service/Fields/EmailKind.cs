using System.Text.RegularExpressions;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>An e-mail address. It is kept as it was sent; addresses that differ in case only are one.</summary>
internal sealed partial class EmailKind() : TextKind(FieldType.Email, 320)
{
    public static readonly EmailKind Instance = new();

    public override string KeyOf(string expression) => $"lower({expression} collate \"C\")";

    public override object KeyOf(object value) => Fold((string)value);

    public override string ComparedAs(string column, FieldSchema field) => KeyOf(column);

    protected override string Is(string column, string? value, Operands operands)
    {
        operands.Use = ShapeUse.Equal;
        return $"{KeyOf(column)} = {operands.Parameters.AddText(Fold(value ?? ""))}";
    }

    protected override string IsOneOf(string column, List<string> items, Operands operands)
    {
        operands.Use = ShapeUse.Range;
        return $"{KeyOf(column)} = any({operands.Parameters.AddTexts(items.Select(Fold))})";
    }

    // As PostgreSQL does it under "C": of ASCII alone, whatever the version of a library.
    private static string Fold(string text) =>
        string.Concat(text.Select(character => char.IsAsciiLetterUpper(character) ? (char)(character | ' ') : character));

    protected override Parsed Check(string text) =>
        Address().IsMatch(text)
            ? new Parsed(text)
            : Parsed.Refused("is not an e-mail address", "Send one address such as ada@example.com.");

    // Deliberately loose: only the mail server of the domain knows what it accepts.
    [GeneratedRegex(@"^[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Address();
}
