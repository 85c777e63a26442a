using System.Data;
using Npgsql;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Schemas;

internal sealed partial class TableSchemas
{
    // The results of Statements, in their order: the table, choices, views, fields.
    private static async Task<TableSchema?> ReadAsync(NpgsqlDataReader reader, Call call, Guid tableId)
    {
        if (!await reader.ReadAsync())
        {
            return null;
        }

        var table = TableRow.Read(reader);
        await reader.NextResultAsync();
        var choices = await ReadChoicesAsync(reader);
        await reader.NextResultAsync();
        var views = new List<ViewSchema>();
        while (await reader.ReadAsync())
        {
            views.Add(ReadView(reader));
        }

        await reader.NextResultAsync();
        var fields = new List<FieldSchema>();
        while (await reader.ReadAsync())
        {
            fields.Add(ReadField(reader, call.WorkspaceId, choices));
        }

        return new TableSchema(call.WorkspaceId, call.EnvironmentId!.Value, tableId, table.Version, fields)
        {
            DatabaseId = table.DatabaseId,
            Name = table.Name,
            Description = table.Description,
            PrimaryFieldId = table.PrimaryFieldId,
            CreatedAt = table.CreatedAt,
            UpdatedAt = table.UpdatedAt,
            IsRemoved = table.IsRemoved,
            Views = views,
        };
    }

    private static async Task<ILookup<Guid, ChoiceRow>> ReadChoicesAsync(NpgsqlDataReader reader)
    {
        var choices = new List<ChoiceRow>();
        while (await reader.ReadAsync())
        {
            choices.Add(ChoiceRow.Read(reader));
        }

        return choices.ToLookup(choice => choice.FieldId);
    }

    private static ViewSchema ReadView(NpgsqlDataReader row) =>
        new(
            row.GetGuid("id"),
            row.GetString("name"),
            row.IsDBNull("filter") ? null : row.GetString("filter"),
            row.GetFieldValue<string[]>("sorting"),
            row.GetFieldValue<string[]>("fields"),
            row.GetDateTime("updated_at")
        );

    private static FieldSchema ReadField(NpgsqlDataReader row, Guid workspaceId, ILookup<Guid, ChoiceRow> choices)
    {
        var id = row.GetGuid("id");
        var kind = FieldKind.Of(row.GetString("type"));
        if (!row.IsDBNull("target_id"))
        {
            kind = kind.LinkedTo(ReadTarget(row, workspaceId, choices));
        }

        return new FieldSchema(id, row.GetString("name"), kind, FieldSchema.ColumnOf(id))
        {
            Description = row.GetString("description"),
            Required = row.GetBoolean("required"),
            Unique = row.GetBoolean("is_unique"),
            AllowNewChoices = row.GetBoolean("allow_new_choices"),
            MaxLength = row.IsDBNull("max_length") ? null : row.GetInt32("max_length"),
            Precision = row.IsDBNull("precision") ? null : row.GetInt32("precision"),
            Choices = [.. choices[id].Where(choice => !choice.IsRemoved).Select(choice => choice.Choice)],
            RemovedChoices = [.. choices[id].Where(choice => choice.IsRemoved).Select(choice => choice.Choice)],
        };
    }

    private static LinkTarget ReadTarget(NpgsqlDataReader row, Guid workspaceId, ILookup<Guid, ChoiceRow> choices)
    {
        var (tableId, primaryId) = (row.GetGuid("target_id"), row.GetGuid("primary_id"));
        return new LinkTarget(
            tableId,
            row.GetString("target_name"),
            TableSchema.QualifiedNameOf(workspaceId, tableId),
            new FieldSchema(primaryId, "", FieldKind.Of(row.GetString("primary_type")), FieldSchema.ColumnOf(primaryId))
            {
                Choices = [.. choices[primaryId].Where(choice => !choice.IsRemoved).Select(choice => choice.Choice)],
                RemovedChoices = [.. choices[primaryId].Where(choice => choice.IsRemoved).Select(choice => choice.Choice)],
            },
            row.GetGuid("other_id"),
            row.GetString("other_name"),
            row.GetBoolean("link_is_inverse"),
            row.GetBoolean("link_is_single")
        );
    }

    private sealed record TableRow(
        long Version,
        Guid DatabaseId,
        string Name,
        string Description,
        Guid PrimaryFieldId,
        DateTime CreatedAt,
        DateTime UpdatedAt,
        bool IsRemoved
    )
    {
        public static TableRow Read(NpgsqlDataReader row) =>
            new(
                row.GetInt64("schema_version"),
                row.GetGuid("database_id"),
                row.GetString("name"),
                row.GetString("description"),
                row.GetGuid("primary_field_id"),
                row.GetDateTime("created_at"),
                row.GetDateTime("updated_at"),
                row.GetBoolean("is_removed")
            );
    }

    private sealed record ChoiceRow(Guid FieldId, ChoiceSchema Choice, bool IsRemoved)
    {
        public static ChoiceRow Read(NpgsqlDataReader row) =>
            new(
                row.GetGuid("field_id"),
                new ChoiceSchema(row.GetGuid("id"), row.GetString("label"), row.GetString("color")),
                row.GetBoolean("is_removed")
            );
    }
}
