using System.Text.Json;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>Turns values into choices where they are not choices yet, in fields that allow it.</summary>
internal static class NewChoices
{
    private const int MaxLength = 200;

    private const string LockTable = "select data.begin_schema_change($1)";

    private const string InsertChoices = """
        insert into data.choice (workspace_id, environment_id, id, field_id, position, label, color)
        select platform.workspace_id(), platform.environment_id(), v.id, $1,
            (select coalesce(max(position), 0) from data.choice where field_id = $1) + v.ordinality::int, v.label, ''
        from unnest($2::uuid[], $3::text[]) with ordinality as v(id, label, ordinality)
        """;

    private const string NextVersion =
        "update data.database_table set schema_version = schema_version + 1, updated_at = $2, updated_by = $3 where id = $1";

    /// <summary>The table with its new choices, or as it was when there are none.</summary>
    public static async Task<TableSchema> AddAsync(WriteTransaction tx, TableSchema table, IReadOnlyList<Json> records)
    {
        if (!table.Fields.Any(field => field.AllowNewChoices) || Find(table, records).Count == 0)
        {
            return table;
        }

        // Adding choices changes the schema. Another call may have added the same choices before this one got the lock.
        await InverseLinks.LockBelowAsync(tx, table);
        await tx.ExecuteAsync(LockTable, table.Id);
        var current = await TableSchemas.LoadAsync(tx, table.Id) ?? throw new StaleSchemaException();
        var found = Find(current, records);
        if (found.Count == 0)
        {
            return current;
        }

        foreach (var (field, labels) in found)
        {
            if (field.Choices.Count + labels.Count > FieldSchema.MaxChoices)
            {
                throw Problem.Invalid(
                    field.Name,
                    $"would have more than {FieldSchema.MaxChoices} choices",
                    "Use a text field for values without end."
                );
            }

            var ids = labels.ConvertAll(_ => Ids.New());
            await tx.ExecuteAsync(InsertChoices, field.Id, ids.ToArray(), labels.ToArray());
            tx.Announce(
                new ChoicesAdded(
                    tx.NewEventId(),
                    tx.Call.WorkspaceId,
                    tx.Now,
                    current.Key,
                    field.Key,
                    ids.ConvertAll(id => Ids.Format("cho", id))
                ),
                "field.updated",
                new Target("field", field.Key)
            );
        }

        await tx.ExecuteAsync(NextVersion, table.Id, tx.Now.UtcDateTime, tx.Call.ActorId);
        return await TableSchemas.LoadAsync(tx, table.Id) ?? throw new StaleSchemaException();
    }

    private static Dictionary<FieldSchema, List<string>> Find(TableSchema table, IReadOnlyList<Json> records)
    {
        var found = new Dictionary<FieldSchema, List<string>>();
        foreach (var record in records)
        {
            using var document = TryParse(record);
            if (document is null)
            {
                continue;
            }

            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (table.Find(property.Name) is { AllowNewChoices: true } field)
                {
                    foreach (
                        var value in property.Value.ValueKind == JsonValueKind.Array
                            ? property.Value.EnumerateArray().ToArray()
                            : [property.Value]
                    )
                    {
                        Add(field, value);
                    }
                }
            }
        }

        return found.ToDictionary(one => one.Key, one => one.Value.Distinct(StringComparer.Ordinal).ToList());

        // A value that cannot be a label is left to the check of values, which refuses it.
        void Add(FieldSchema field, JsonElement value)
        {
            if (
                JsonText.TryGet(value, out var label, out _)
                && Names.Find("", label) is null
                && label.Length <= MaxLength
                && field.FindChoice(label) is null
            )
            {
                if (!found.TryGetValue(field, out var labels))
                {
                    found.Add(field, labels = []);
                }

                labels.Add(label);
            }
        }
    }

    private static JsonDocument? TryParse(Json record)
    {
        try
        {
            var document = JsonDocument.Parse(record.Utf8.Memory, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
