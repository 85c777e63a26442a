using NpgsqlTypes;

namespace Platform.Data.Service.Fields;

/// <summary>
/// When a record was created. Its id begins with that very millisecond, so the primary key serves filters and sorting by it, and no other
/// index is needed.
/// </summary>
internal sealed class CreatedAtKind : InstantKind
{
    public static new readonly CreatedAtKind Instance = new();

    public override string Compile(FilterOperator comparison, string column, Operands operands) =>
        comparison == FilterOperator.IsEmpty
            ? "false"
            : Ranges.Compile(
                comparison,
                column,
                operands,
                json => Period.Read(json, operands.Now),
                from => $"r.id >= {operands.Parameters.Add(NpgsqlDbType.Uuid, RecordIds.FirstOf(from))}",
                until => $"r.id < {operands.Parameters.Add(NpgsqlDbType.Uuid, RecordIds.FirstOf(until))}"
            );

    public override SortingKey Sort(string column, FieldSchema field, QueryParameters parameters) =>
        RecordIdKind.Instance.Sort("r.id", field, parameters);
}
