using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Fields;

/// <summary>The id of a record, for filters and sorting.</summary>
internal sealed class RecordIdKind : FieldKind
{
    public static readonly RecordIdKind Instance = new();

    public override FieldType Type => FieldType.Unspecified;

    public override string ColumnType => "uuid";

    public override NpgsqlDbType Wire => NpgsqlDbType.Uuid;

    public override IReadOnlyList<FilterOperator> Operators { get; } = [FilterOperator.Is, FilterOperator.IsOneOf];

    public override Parsed Parse(JsonElement json, FieldSchema field) => throw new NotSupportedException("Ids are given by the service.");

    public override void Write(Utf8JsonWriter json, NpgsqlDataReader row, int ordinal, FieldSchema field) =>
        json.WriteStringValue(Ids.Format("rec", row.GetGuid(ordinal)));

    public override string Compile(FilterOperator comparison, string column, Operands operands) =>
        comparison == FilterOperator.Is
            ? $"{column} = {operands.Parameters.Add(NpgsqlDbType.Uuid, operands.Right(ReadId))}"
            : $"{column} = any({operands.Parameters.AddIds(operands.Items(ReadId))})";

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        new(column, $"{column}::text", "::uuid") { NeverNull = true };

    internal static Reading<Guid> ReadId(JsonElement json) =>
        JsonText.TryGet(json, out var text, out _) && Ids.TryParse("rec", text, out var id)
            ? new Reading<Guid>(id)
            : Reading<Guid>.Refused("is not a record id", "Send an id such as search_records returns, rec_….");
}
