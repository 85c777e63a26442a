using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>Text of one or many lines. Equality is exact; search ignores case; order is that of the Unicode collation.</summary>
internal class TextKind(FieldType type, int maxLength) : FieldKind
{
    public static readonly TextKind Text = new(FieldType.Text, 10_000);
    public static readonly TextKind LongText = new(FieldType.LongText, 100_000);

    // The number of characters that a sort uses. A comparison uses them too where the whole text does not fit an index.
    private const int Beginning = 256;

    // The longest text that an index holds whole: the length of an e-mail address.
    private const int MaxIndexed = 320;

    private static readonly FilterOperator[] _operators =
    [
        FilterOperator.Is,
        FilterOperator.Contains,
        FilterOperator.StartsWith,
        FilterOperator.EndsWith,
        FilterOperator.IsOneOf,
        FilterOperator.IsEmpty,
    ];

    public override FieldType Type => type;

    // "C" never changes with a library's version, so unique indexes stay right.
    public override string ColumnType => "text collate \"C\"";

    public override NpgsqlDbType Wire => NpgsqlDbType.Text;

    public override bool CanBeUnique => type != FieldType.LongText;

    public override bool HasLength => true;

    public override bool CanBePrimary => type != FieldType.LongText;

    public override IReadOnlyList<FilterOperator> Operators => _operators;

    public override Parsed Parse(JsonElement json, FieldSchema field)
    {
        if (!JsonText.TryGet(json, out var text, out var refusal))
        {
            return refusal;
        }

        var length = LengthOf(text);
        var longest = LongestOf(field);
        return length > longest ? Parsed.Refused($"is {length} characters long", $"Send at most {longest} characters.") : Check(text);
    }

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field) =>
        JsonText.Write(json, row.GetString(ordinal));

    public override string LabelContains(string column, FieldSchema field, Operands operands) =>
        Like(column, "%", "%", operands, LongestOf(field));

    public override string Compile(FilterOperator comparison, string column, Operands operands) =>
        comparison switch
        {
            FilterOperator.Is => Is(column, operands.Right(Operand), operands),
            FilterOperator.IsOneOf => operands.Items(Operand) is var items && items.Count == 1
                ? Is(column, items[0], operands)
                : IsOneOf(column, items, operands),
            FilterOperator.Contains => Like(column, "%", "%", operands, LongestOf(operands.Field)),
            FilterOperator.StartsWith => Like(column, "", "%", operands, LongestOf(operands.Field)),
            FilterOperator.EndsWith => Like(column, "%", "", operands, LongestOf(operands.Field)),
            _ => $"{column} is null",
        };

    /// <summary>Long text does not fit an index, its beginning does.</summary>
    public override string ComparedAs(string column, FieldSchema field) => FitsIndex(field) ? column : $"left({column}, {Beginning})";

    public override int IndexBytes(FieldSchema field) => 4 * (FitsIndex(field) ? LongestOf(field) : Beginning);

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        new($"left({column}, {Beginning}) collate \"und-x-icu\"", $"left({column}, {Beginning})", "");

    private int LongestOf(FieldSchema field) => field.MaxLength ?? maxLength;

    private bool FitsIndex(FieldSchema field) => LongestOf(field) <= MaxIndexed;

    protected virtual string Is(string column, string? value, Operands operands)
    {
        operands.Use = ShapeUse.Equal;
        var text = operands.Parameters.AddText(value);
        return FitsIndex(operands.Field)
            ? $"{column} = {text}"
            : $"({column} = {text} and left({column}, {Beginning}) = left({text}, {Beginning}))";
    }

    protected virtual string IsOneOf(string column, List<string> items, Operands operands)
    {
        operands.Use = FitsIndex(operands.Field) ? ShapeUse.Range : null;
        return $"{column} = any({operands.Parameters.AddTexts(items)})";
    }

    /// <summary>Rules of a special text, such as an e-mail address.</summary>
    protected virtual Parsed Check(string text) => new(text);

    /// <summary>In characters, as limits count them.</summary>
    internal static int LengthOf(string text) => text.EnumerateRunes().Count();

    internal static Reading<string> Operand(JsonElement json)
    {
        if (!JsonText.TryGet(json, out var text, out var refusal))
        {
            return Reading<string>.Refused(refusal.Rule!, refusal.Fix!);
        }

        return text.Length switch
        {
            0 => Reading<string>.Refused("is empty", "Use IS_EMPTY or IS_NOT_EMPTY."),
            > 10_000 => Reading<string>.Refused("is longer than 10000 characters", "Search for less."),
            _ => new Reading<string>(text),
        };
    }

    // Case folding under the column's "C" knows ASCII only, and is fast; a pattern with other letters needs the Unicode collation.
    internal static string Like(string column, string before, string after, Operands operands, int longest)
    {
        var text = operands.Needle();
        operands.Size.IsHeavy |= longest > FilterSize.LongText;
        var parameter = operands.Parameters.AddText(before + EscapeLike(text) + after);
        return Ascii.IsValid(text) ? $"{column} ilike {parameter}" : $"{column} collate \"und-x-icu\" ilike {parameter}";
    }

    private static string EscapeLike(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("%", "\\%", StringComparison.Ordinal)
            .Replace("_", "\\_", StringComparison.Ordinal);
}
