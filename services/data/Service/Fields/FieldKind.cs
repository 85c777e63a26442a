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
/// What a field type is: its column, how JSON becomes a value and a value JSON, which filter operators it has and what they are in SQL.
/// A new field type is one class of this and a line in <see cref="_kinds"/>.
/// </summary>
internal abstract class FieldKind
{
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

    public virtual bool HasLength => false;

    public virtual bool HasChoices => false;

    public virtual bool CanBePrimary => true;

    public virtual bool CanSort => true;

    /// <summary>False when the values are kept by another table.</summary>
    public virtual bool HasColumn => true;

    /// <summary>The filter operators, without the ones that only negate.</summary>
    public abstract IReadOnlyList<FilterOperator> Operators { get; }

    public static FieldKind Of(string name) => _byName[name];

    public static FieldKind? Find(FieldType type) => _byType.GetValueOrDefault(type);

    /// <summary>Never called with null or "": those clear.</summary>
    public abstract Parsed Parse(JsonElement json, FieldSchema field);

    /// <summary>The expression to select for <see cref="Write"/>.</summary>
    public virtual string Select(string column) => column;

    /// <summary>The value as text, to name a record by it.</summary>
    public virtual string Label(string column) => $"{Select(column)}::text";

    /// <summary>What a person reads of that text.</summary>
    public virtual string LabelOf(string text, FieldSchema field) => text;

    /// <summary>Writes a value that is not null.</summary>
    public abstract void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field);

    /// <summary>The condition in SQL. It may be null where the column is: the caller negates with that in mind.</summary>
    public abstract string Compile(FilterOperator comparison, string column, Operands operands);

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

    private static string NameOf(FieldType type) =>
        EnumNames.JsonName(
            TablesReflection.Descriptor.EnumTypes.Single(declared => declared.Name == nameof(FieldType)).FindValueByNumber((int)type)
        );
}
