using Google.Protobuf.Collections;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Csv;

/// <summary>Which field each column of a CSV text goes to.</summary>
internal sealed class CsvColumns
{
    /// <summary>Null for a column that is left out.</summary>
    public FieldSchema?[] Fields { get; }

    /// <summary>Columns that go elsewhere than to the field of their name without being told to: the field's name, or "".</summary>
    public Dictionary<string, string> Mapped { get; } = [];

    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: a column is not a field, or two go to one.</exception>
    public CsvColumns(TableSchema table, string[] names, MapField<string, string> told)
    {
        var violations = told
            .Keys.Except(names)
            .Select(name => new Violation
            {
                Field = $"columns.{name}",
                Rule = "is not a column of the text",
                Fix = $"Use one of: {string.Join(", ", names.Take(60))}.",
            })
            .ToList();
        Fields = new FieldSchema?[names.Length];
        var isTaken = names.Where(name => !told.ContainsKey(name)).Select(table.Find).OfType<FieldSchema>().ToHashSet();
        for (var i = 0; i < names.Length; i++)
        {
            var isTold = told.TryGetValue(names[i], out var target);
            target ??= names[i];
            var isLeftOut = isTold && target.Length == 0;
            Fields[i] = table.Find(target);
            if (!isTold && Fields[i] is null)
            {
                Fields[i] = FindByCase(table, target.Trim(), isTaken);
                isLeftOut = Fields[i] is null && SystemFields.Find(target) is not null;
                if (Fields[i] is not null || isLeftOut)
                {
                    Mapped[names[i]] = Fields[i]?.Name ?? "";
                }
            }

            var rule =
                names.AsSpan(0, i).Contains(names[i]) ? "appears twice"
                : Fields[i] is null && !isLeftOut ? $"{target} is not a field of the table"
                : Fields[i] is not null && Fields.AsSpan(0, i).Contains(Fields[i]) ? $"goes to {Fields[i]!.Name}, like another column"
                : null;
            if (rule is not null)
            {
                violations.Add(
                    new Violation
                    {
                        Field = $"column {names[i]}",
                        Rule = rule,
                        Fix = $"Map it in columns, or leave it out with \"\". {table.KnownFields(withSystem: false)}",
                    }
                );
            }
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }
    }

    // A field that another column names exactly is not meant.
    private static FieldSchema? FindByCase(TableSchema table, string name, HashSet<FieldSchema> isTaken) =>
        table.Fields.FirstOrDefault(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } field
        && !isTaken.Contains(field)
            ? field
            : null;
}
