using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Schemas;

/// <summary>A view of a table.</summary>
/// <param name="Filter">With fields and choices by id; null for none.</param>
/// <param name="Sorting">
/// Each a field's id, or the name of what every record has, then a space and <c>ASC</c> or <c>DESC</c>.
/// </param>
/// <param name="Fields">Ids; empty for all.</param>
internal sealed record ViewSchema(
    Guid Id,
    string Name,
    string? Filter,
    IReadOnlyList<string> Sorting,
    IReadOnlyList<string> Fields,
    DateTime UpdatedAt
)
{
    public string Key { get; } = Ids.Format("view", Id);

    public Json? FilterJson { get; } = Filter is null ? null : new Json { Utf8 = ByteString.CopyFromUtf8(Filter) };

    public IReadOnlyList<Sorting> SortingKeys { get; } =
    [.. Sorting.Select(sort => sort.Split(' ')).Select(sort => new Sorting { SortingField = sort[0], SortType = sort[1] })];

    /// <summary>As people read it: fields and choices by name.</summary>
    public View ToView(TableSchema table)
    {
        var view = new View
        {
            Id = Key,
            Name = Name,
            UpdatedAt = Timestamp.FromDateTime(UpdatedAt),
        };
        if (FilterJson is not null)
        {
            view.Filter = new Json { Utf8 = ByteString.CopyFromUtf8(FilterNames.ToNames(table, FilterJson.Utf8)) };
        }

        view.Sorting.AddRange(
            SortingKeys.Select(sort => new Sorting
            {
                SortingField = table.FindAny(sort.SortingField)?.Name ?? sort.SortingField,
                SortType = sort.SortType,
            })
        );
        view.Fields.AddRange(Fields.Select(field => table.Find(field)?.Name ?? field));
        return view;
    }
}
