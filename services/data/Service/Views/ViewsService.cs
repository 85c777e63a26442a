using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Views;

/// <summary>Views of tables. One file per call. A view is part of its table's schema, and changes like it.</summary>
internal sealed partial class ViewsService(UnitOfWork work, TableSchemas schemas, Cursors cursors, TimeProvider time)
    : Contracts.V1.Views.ViewsBase
{
    public const int MaxViews = 100;

    // A list of views shows them whole.
    private const int MaxFilterBytes = 20_000;

    private const string LockTable = "select data.begin_schema_change($1)";

    private static async Task<TableSchema> LockAsync(WriteTransaction tx, string tableId)
    {
        var id = Ids.TryParse("tbl", tableId, out var parsed) ? parsed : throw Problem.NotFound("table", tableId);
        await tx.ExecuteAsync(LockTable, id);
        return await TableSchemas.LoadAsync(tx, id) ?? throw Problem.NotFound("table", tableId);
    }

    private void Forget(string tableId)
    {
        if (Ids.TryParse("tbl", tableId, out var id))
        {
            schemas.Forget(id);
        }
    }

    /// <summary>The filter as it is kept, once it has turned out to be one.</summary>
    private string? Filter(TableSchema table, Json? filter)
    {
        if (filter is null || filter.Utf8.IsEmpty || filter.Utf8.Span.Trim(" \t\r\n"u8).SequenceEqual("{}"u8))
        {
            return null;
        }

        if (filter.Utf8.Length > MaxFilterBytes)
        {
            throw Problem.Invalid(
                "filter",
                $"has {filter.Utf8.Length} bytes",
                $"Save at most {MaxFilterBytes}, and send the rest with each search."
            );
        }

        FilterCompiler.Compile(table, filter.Utf8, new QueryParameters(), time.GetUtcNow(), new FilterSize());
        return FilterNames.ToIds(table, filter.Utf8);
    }

    private static string[] Sorting(TableSchema table, Google.Protobuf.Collections.RepeatedField<Sorting> sorting)
    {
        RecordQuery.CheckSorting(table, sorting);
        return
        [
            .. sorting
                .Select(sort => (Field: table.FindAny(sort.SortingField)!, sort.SortType))
                .Select(sort =>
                    $"{(sort.Field.Id == Guid.Empty ? sort.Field.Name : sort.Field.Key)} {(sort.SortType == "DESC" ? "DESC" : "ASC")}"
                ),
        ];
    }

    private static string[] Fields(TableSchema table, Google.Protobuf.Collections.RepeatedField<string> names)
    {
        var fields = new List<string>();
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == "*")
            {
                return [];
            }

            fields.Add(
                table.Find(names[i])?.Key
                    ?? throw Problem.Invalid(
                        $"fields[{i}]",
                        $"{names[i]} is not a field of the table",
                        table.KnownFields(withSystem: false)
                    )
            );
        }

        return [.. fields.Distinct()];
    }
}
