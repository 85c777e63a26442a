using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Service.Tables;

/// <summary>Fields that a caller defines: their rules, their catalogue rows, their columns.</summary>
internal static class NewFields
{
    public const int MaxFields = 300;

    // The longest text that fits into an index, four bytes a character.
    public const int MaxUniqueLength = 500;

    private const string InsertField = """
        insert into data.field
            (workspace_id, environment_id, id, table_id, position, name, type, description, required, is_unique, allow_new_choices,
                max_length, precision, created_at, created_by, link_table_id, link_field_id, link_is_inverse, link_is_single)
        values (platform.workspace_id(), platform.environment_id(), $1, $2, $3, $4, $5, $6, $7, $8, $9,
            $10, $11, $12, $13, $14, $15, $16, $17)
        """;

    private const string InsertChoices = """
        insert into data.choice (workspace_id, environment_id, id, field_id, position, label, color)
        select platform.workspace_id(), platform.environment_id(), v.id, $1, v.ordinality::int, v.label, v.color
        from unnest($2::uuid[], $3::text[], $4::text[]) with ordinality as v(id, label, color, ordinality)
        """;

    /// <summary>Every broken rule of a definition.</summary>
    /// <param name="field">The definition.</param>
    /// <param name="path">Where it stands in the request; empty when its properties are arguments of the call.</param>
    public static IEnumerable<Violation> Check(Field field, string path)
    {
        if (Names.Find(At(path, "name"), field.Name) is { } misnamed)
        {
            yield return misnamed;
        }

        if (field.Id.Length > 0)
        {
            yield return Broken("id", "is given by the server", "Leave it out.");
        }

        if (
            SystemFields.Names.Contains(field.Name)
            || field.Name.StartsWith(TableSchema.FieldPrefix, StringComparison.Ordinal)
            || field.Name == "*"
        )
        {
            yield return Broken(
                "name",
                $"{field.Name} means something else already",
                "Choose another name, such as one with a capital letter."
            );
        }

        if (FieldKind.Find(field.Type) is not { } kind)
        {
            yield return Broken("type", "is missing or unknown", $"Use one of: {FieldKind.NamesOf(_ => true, ", ")}.");
            yield break;
        }

        if (field.Unique && !kind.CanBeUnique)
        {
            yield return Broken(
                "unique",
                $"does not go with {kind.Name}",
                $"Leave it out, or use {FieldKind.NamesOf(one => one.CanBeUnique)}."
            );
        }

        if (field.HasMaxLength && !kind.HasLength)
        {
            yield return Broken("maxLength", $"does not go with {kind.Name}", "Leave it out.");
        }
        else if (field.Unique && field.HasMaxLength && field.MaxLength > MaxUniqueLength)
        {
            yield return Broken(
                "maxLength",
                $"is more than {MaxUniqueLength}, too long for a unique field",
                $"Send at most {MaxUniqueLength}."
            );
        }

        if (field.HasPrecision && !kind.HasPrecision)
        {
            yield return Broken("precision", $"does not go with {kind.Name}", "Leave it out.");
        }

        if (kind.HasLinks)
        {
            if (!Ids.TryParse("tbl", field.LinkTableId, out _))
            {
                yield return Broken("linkTableId", "is missing or no id", "Send the id of the table to link to, from list_tables.");
            }

            if (field.Inverse)
            {
                yield return Broken(
                    "inverse",
                    "is the other side of a link, which comes with the link",
                    "Leave the field out, or create the link in its own table."
                );
            }

            if (field.LinkField.Length > 0 && Names.Find(At(path, "linkField"), field.LinkField) is { } misnamedInverse)
            {
                yield return misnamedInverse;
            }
        }
        else if (field.LinkTableId.Length > 0 || field.LinkField.Length > 0 || field.Single || field.Inverse)
        {
            yield return Broken(
                "linkTableId",
                $"and other properties of links do not go with {kind.Name}",
                $"Leave them out, or use {FieldKind.NamesOf(one => one.HasLinks)}."
            );
        }

        if (!kind.HasChoices && (field.Choices.Count > 0 || field.AllowNewChoices))
        {
            yield return Broken(
                field.Choices.Count > 0 ? "choices" : "allowNewChoices",
                $"does not go with {kind.Name}",
                $"Leave it out, or use {FieldKind.NamesOf(one => one.HasChoices)}."
            );
        }

        if (kind.HasChoices && field.Choices.Count == 0 && !field.AllowNewChoices)
        {
            yield return Broken("choices", "is empty, so that no value would fit", "Name the choices, or set allowNewChoices.");
        }

        if (field.Choices.Count > FieldSchema.MaxChoices)
        {
            yield return Broken("choices", $"would be more than {FieldSchema.MaxChoices}", "Use a text field for values without end.");
        }

        var labels = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < field.Choices.Count; i++)
        {
            if (Names.Find(At(path, $"choices[{i}].label"), field.Choices[i].Label) is { } mislabelled)
            {
                yield return mislabelled;
            }

            if (field.Choices[i].Id.Length > 0)
            {
                yield return Broken($"choices[{i}].id", "is given by the server", "Leave it out.");
            }

            if (!labels.Add(field.Choices[i].Label))
            {
                yield return Broken($"choices[{i}].label", $"{field.Choices[i].Label} appears twice", "Name every choice once.");
            }
        }

        Violation Broken(string what, string rule, string fix) =>
            new()
            {
                Field = At(path, what),
                Rule = rule,
                Fix = fix,
            };
    }

    private static string At(string path, string what) => path.Length == 0 ? what : $"{path}.{what}";

    /// <summary>The field as it will be; ids are new, whatever the definition holds.</summary>
    public static FieldSchema Define(Field field)
    {
        var id = Ids.New();
        var kind = FieldKind.Find(field.Type)!;
        return new FieldSchema(id, field.Name, kind, FieldSchema.ColumnOf(id))
        {
            Description = field.Description,
            Required = field.Required,
            Unique = field.Unique,
            AllowNewChoices = field.AllowNewChoices,
            MaxLength =
                field.HasMaxLength ? field.MaxLength
                : field.Unique && kind.HasLength ? MaxUniqueLength
                : null,
            Precision = field.HasPrecision ? field.Precision : null,
            Choices = [.. field.Choices.Select(choice => new ChoiceSchema(Ids.New(), choice.Label, choice.Color))],
        };
    }

    public static IEnumerable<Statement> Insert(WriteTransaction tx, Guid tableId, FieldSchema field, int position)
    {
        var link = field.Kind.Link;
        yield return new Statement(
            InsertField,
            field.Id,
            tableId,
            position,
            field.Name,
            field.Kind.Name,
            field.Description,
            field.Required,
            field.Unique,
            field.AllowNewChoices,
            Integer(field.MaxLength),
            Integer(field.Precision),
            tx.Now.UtcDateTime,
            tx.Call.ActorId,
            Id(link?.TableId),
            Id(link?.FieldId),
            link?.IsInverse ?? false,
            field.Kind.IsSingle
        );
        if (field.Choices.Count > 0)
        {
            yield return new Statement(
                InsertChoices,
                field.Id,
                field.Choices.Select(choice => choice.Id).ToArray(),
                field.Choices.Select(choice => choice.Label).ToArray(),
                field.Choices.Select(choice => choice.Color).ToArray()
            );
        }
    }

    public static string Column(FieldSchema field) => $"{field.Column} {field.Kind.ColumnType}";

    /// <summary>Deleted records give their values free.</summary>
    public static Statement UniqueIndex(string table, FieldSchema field) =>
        new(
            $"create unique index {FieldSchema.UniqueIndexOf(field.Id)} on {table} (({field.Kind.KeyOf(field.Column)})) "
                + "where deleted_at is null"
        );

    public static Statement DropUniqueIndex(Guid workspaceId, Guid fieldId) =>
        new($"drop index {TableSchema.RoleOf(workspaceId)}.{FieldSchema.UniqueIndexOf(fieldId)}");

    public static IEnumerable<Statement> Indexes(string table, FieldSchema field)
    {
        if (field.Unique)
        {
            yield return UniqueIndex(table, field);
        }

        if (field.Kind.FirstIndex(field.Column) is { } first)
        {
            yield return new Statement($"create index {FieldSchema.FirstIndexOf(field.Id)} on {table} {first} where deleted_at is null");
        }
    }

    private static NpgsqlParameter Id(Guid? value) => new() { NpgsqlDbType = NpgsqlDbType.Uuid, Value = (object?)value ?? DBNull.Value };

    public static NpgsqlParameter Integer(int? value) =>
        new() { NpgsqlDbType = NpgsqlDbType.Integer, Value = (object?)value ?? DBNull.Value };
}
