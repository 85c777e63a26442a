using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts.Catalogue;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>A value as it came in: ready for its column, or refused. A null value clears the field.</summary>
internal readonly record struct Parsed(object? Value, string? Rule = null, string? Fix = null)
{
    public static Parsed Empty => default;

    public static Parsed Refused(string rule, string fix) => new(null, rule, fix);
}

/// <summary>
/// All that a field type is: its column, how JSON and CSV become a value and a value JSON and CSV, its limits, and its filter operators in
/// SQL. A new field type is one class of this, its name in <c>fields.proto</c> beside it, and a line in <see cref="_kinds"/>. Code outside
/// this folder asks what a kind can do, and never which kind it is; a test holds it.
/// </summary>
internal abstract class FieldKind
{
    private const int MaxLabel = 200;

    private static readonly FieldKind[] _kinds =
    [
        TextKind.Text,
        TextKind.LongText,
        NumberKind.Instance,
        CheckboxKind.Instance,
        SelectKind.Instance,
        MultiSelectKind.Instance,
        DateKind.Instance,
        InstantKind.Instance,
        EmailKind.Instance,
        UrlKind.Instance,
        LinkKind.Unbound,
    ];

    private static readonly Dictionary<FieldType, FieldKind> _byType = _kinds.ToDictionary(kind => kind.Type);
    private static readonly Dictionary<string, FieldKind> _byName = _kinds.ToDictionary(kind => kind.Name, StringComparer.Ordinal);

    public abstract FieldType Type { get; }

    /// <summary>As the API spells the type.</summary>
    public string Name => field ??= NameOf(Type);

    /// <summary>Type and collation of the column.</summary>
    public abstract string ColumnType { get; }

    /// <summary>How values travel to PostgreSQL, one by one or as an array of one per record.</summary>
    public abstract NpgsqlDbType Wire { get; }

    /// <summary>What turns a travelled value into the column's type.</summary>
    public virtual string Cast => "";

    public virtual bool CanBeUnique => false;

    /// <summary>Whether upserts can tell records apart by it.</summary>
    public virtual bool CanMatch => CanBeUnique;

    public virtual bool CanBePrimary => true;

    public virtual bool CanSort => true;

    /// <summary>Whether a field can limit the characters of its values.</summary>
    public virtual bool HasLength => false;

    /// <summary>Whether a field can limit the decimal places of its values.</summary>
    public virtual bool HasPrecision => false;

    /// <summary>Whether a value is one of the field's choices, or a list of them.</summary>
    public virtual bool HasChoices => false;

    /// <summary>Whether the column holds an array.</summary>
    public virtual bool IsList => false;

    /// <summary>Whether values are links to records of a table.</summary>
    public virtual bool HasLinks => false;

    /// <summary>Where the links lead. Null when values are not links, and for a definition, which links to nothing yet.</summary>
    public virtual LinkTarget? Link => null;

    /// <summary>Whether a field holds one link at most.</summary>
    public bool IsSingle => Link is { IsInverse: false, IsSingle: true };

    /// <summary>False when the values are kept by another table.</summary>
    public virtual bool HasColumn => true;

    /// <summary>The filter operators, without the ones that only negate.</summary>
    public abstract IReadOnlyList<FilterOperator> Operators { get; }

    public static FieldKind Of(string name) => _byName[name];

    public static FieldKind? Find(FieldType type) => _byType.GetValueOrDefault(type);

    /// <summary>The names of all kinds that fit, as a person lists them: "text, number or date".</summary>
    public static string NamesOf(Func<FieldKind, bool> fits, string last = " or ")
    {
        var names = _kinds.Where(fits).Select(kind => kind.Name).ToList();
        return names.Count < 2 ? string.Concat(names) : string.Join(", ", names[..^1]) + last + names[^1];
    }

    /// <summary>The kind of a field that links there; the same kind when its values are not links.</summary>
    public virtual FieldKind LinkedTo(LinkTarget target) => this;

    /// <summary>Adds what only fields of this kind say about themselves.</summary>
    public virtual void Describe(Field field) { }

    /// <summary>The index that a field has from the start: its method and columns. Null for none.</summary>
    public virtual string? FirstIndex(string column) => null;

    /// <summary>
    /// Reads a value that a caller sent. A text that is no value of this kind, but holds the JSON of one, stands for that one.
    /// </summary>
    public Parsed Read(JsonElement json, FieldSchema field)
    {
        var parsed = Parse(json, field);
        return parsed.Rule is not null && JsonText.Quoted(json) is { } meant && Parse(meant, field) is { Rule: null } read ? read : parsed;
    }

    /// <summary>Never called with null or "": those clear.</summary>
    public abstract Parsed Parse(JsonElement json, FieldSchema field);

    /// <summary>The expression to select for <see cref="Write"/>.</summary>
    public virtual string Select(string column) => column;

    /// <summary>The value as text, to name a record by it.</summary>
    public virtual string Label(string column) => $"{Select(column)}::text";

    /// <summary>The same, cut where a label ends.</summary>
    public string ShortLabel(string column) => $"left({Label(column)}, {MaxLabel})";

    /// <summary>That text of what a person reads, to find records by it; null when no record can have it.</summary>
    public virtual string? TextOfLabel(string label, FieldSchema field) => label;

    /// <summary>What a person reads of that text.</summary>
    public virtual string LabelOf(string text, FieldSchema field) => text;

    /// <summary>The condition that what a person reads contains the operand.</summary>
    public virtual string LabelContains(string column, FieldSchema field, Operands operands) =>
        TextKind.Like(ShortLabel(column), "%", "%", operands, MaxLabel);

    /// <summary>Writes a value that is not null.</summary>
    public abstract void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field);

    /// <summary>A value as <see cref="Write"/> made it, not null, as a cell of CSV.</summary>
    public virtual string ToCell(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    /// <summary>Whether a cell can begin like a formula though it is a plain value, such as a negative number.</summary>
    public virtual bool IsNeverFormula => false;

    /// <summary>
    /// Writes a cell that is not empty as JSON for <see cref="Parse"/>. A cell that does not fit the kind is written as text, which
    /// <see cref="Parse"/> refuses.
    /// </summary>
    public virtual void WriteCell(Utf8JsonWriter json, string cell, FieldSchema field, CellFormat format) => JsonText.Write(json, cell);

    /// <summary>What an import can say about cells that <see cref="Parse"/> refuses; empty for nothing.</summary>
    public virtual string CellHint => "";

    /// <summary>The condition in SQL. It may be null where the column is: the caller negates with that in mind.</summary>
    public abstract string Compile(FilterOperator comparison, string column, Operands operands);

    /// <summary>
    /// What is equal for two values that count as one: in unique fields, and where upserts and imports look for a record.
    /// </summary>
    public virtual string KeyOf(string expression) => expression;

    /// <summary>The same of a value as <see cref="Parse"/> made it.</summary>
    public virtual object KeyOf(object value) => value;

    /// <summary>The expression that an index needs to find what <see cref="Compile"/> compares.</summary>
    public virtual string ComparedAs(string column, FieldSchema field) => column;

    /// <summary>The most bytes that an entry of an index takes, compared or sorted by.</summary>
    public virtual int IndexBytes(FieldSchema field) => 64;

    /// <summary>What to order by, and how its value is read and sent back for the next page.</summary>
    public abstract SortingKey Sort(string column, FieldSchema field, QueryParameters parameters);

    public NpgsqlParameter Parameter(object? value) => new() { NpgsqlDbType = Wire, Value = value ?? DBNull.Value };

    public NpgsqlParameter ArrayParameter(IReadOnlyList<object?> values) =>
        new()
        {
            NpgsqlDbType = NpgsqlDbType.Array | Wire,
            Value = Wire switch
            {
                NpgsqlDbType.Boolean => values.Select(value => (bool?)value).ToArray(),
                NpgsqlDbType.TimestampTz => values.Select(value => (DateTime?)value).ToArray(),
                NpgsqlDbType.Uuid => values.Select(value => (Guid?)value).ToArray(),
                _ => values.Select(value => (string?)value).ToArray(),
            },
        };

    /// <summary>Writes the items of a cell as an array of strings.</summary>
    protected static void WriteItems(Utf8JsonWriter json, params ReadOnlySpan<string> items)
    {
        json.WriteStartArray();
        foreach (var item in items)
        {
            JsonText.Write(json, item);
        }

        json.WriteEndArray();
    }

    private static string NameOf(FieldType type) =>
        EnumNames.JsonName(
            FieldsReflection.Descriptor.EnumTypes.Single(declared => declared.Name == nameof(FieldType)).FindValueByNumber((int)type)
        );
}
