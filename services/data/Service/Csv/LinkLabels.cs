using System.Data;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Csv;

/// <summary>Finds the records that link cells name by label, and puts their ids in the place of the labels.</summary>
internal static class LinkLabels
{
    /// <exception cref="RpcException">INVALID_ARGUMENT: no record has a label, or several have it.</exception>
    public static async Task ResolveAsync(UnitOfWork work, ServerCallContext context, TableSchema table, CsvRows rows)
    {
        var violations = new List<Violation>();
        foreach (var (column, field) in rows.Columns.Fields.Index().Where(one => one.Item is { Kind.HasLinks: true }))
        {
            var cells = rows.CellsOf(column).Select(cell => (cell.Index, Items: CellItems.Split(cell.Cell))).ToList();
            var labels = cells.SelectMany(cell => cell.Items).Where(IsLabel).Distinct(StringComparer.Ordinal).ToArray();
            if (labels.Length == 0)
            {
                continue;
            }

            var target = field!.Kind.Link!;
            var ids = await FindAsync(work, context, table, target, labels);
            foreach (var (index, items) in cells)
            {
                var resolved = items.Select(item => IsLabel(item) ? ids.GetValueOrDefault(item) ?? [] : [item]).ToList();
                foreach (var (item, found) in items.Zip(resolved).Where(one => one.Second.Length != 1))
                {
                    violations.Add(
                        new Violation
                        {
                            Field = $"{CsvRows.NameOf(index)}.{field.Name}",
                            Rule =
                                found.Length == 0
                                    ? $"{item} is not a record of {target.TableName}"
                                    : $"{item} names {found.Length} records of {target.TableName}: {string.Join(", ", found.Take(5))}",
                            Fix = "Name one record by its id, or by the value of its first field if no other record has it.",
                        }
                    );
                }

                rows.Replace(index, column, CellItems.Join(resolved.SelectMany(found => found)));
            }
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }
    }

    private static bool IsLabel(string item) => !Ids.TryParse("rec", item, out _);

    private static async Task<Dictionary<string, string[]>> FindAsync(
        UnitOfWork work,
        ServerCallContext context,
        TableSchema table,
        LinkTarget target,
        string[] labels
    )
    {
        // Two labels can be one value, such as a choice by its label and by its id.
        var texts = labels
            .Select(label => (Label: label, Text: target.Primary.Kind.TextOfLabel(label, target.Primary)))
            .Where(one => one.Text is not null)
            .ToLookup(one => one.Text!, one => one.Label);
        var kind = target.Primary.Kind;
        return await work.ReadAsync(
            context.Call(),
            SessionSettings.Default,
            async reader =>
            {
                await TableEntry.CheckAsync(reader, table);
                var found = new Dictionary<string, string[]>(StringComparer.Ordinal);
                while (await reader.ReadAsync())
                {
                    var ids = Array.ConvertAll(reader.GetFieldValue<Guid[]>("ids"), RecordIds.Format);
                    foreach (var label in texts[reader.GetString("label")])
                    {
                        found[label] = ids;
                    }
                }

                return found;
            },
            context.CancellationToken,
            TableEntry.For(table),
            new Statement(
                $"select v.label, array_agg(o.id order by o.id) as ids from unnest($1) as v(label) "
                    + $"join {target.QualifiedName} o on {kind.KeyOf(kind.Label($"o.{target.Primary.Column}"))} = {kind.KeyOf("v.label")} "
                    + "where o.deleted_at is null group by v.label",
                [texts.Select(one => one.Key).ToArray()]
            )
        );
    }
}
