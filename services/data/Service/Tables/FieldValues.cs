using System.Data;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

/// <summary>What values that are there already must be like before a rule holds for them.</summary>
internal static class FieldValues
{
    public static async Task CheckAsync(WriteTransaction tx, TableSchema table, FieldSchema field, bool mustExist, bool mustDiffer)
    {
        if (!mustExist && !mustDiffer)
        {
            return;
        }

        var tooLong = field.Kind.HasLength
            ? $"count(*) filter (where {FieldRules.IsLonger(field.Column, NewFields.MaxUniqueLength)})"
            : "0";
        var found = await tx.BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync();
                await reader.ReadAsync();
                var (empty, tooLong) = (reader.GetInt64("empty"), reader.GetInt64("too_long"));
                await reader.NextResultAsync();
                await reader.ReadAsync();
                var example = reader.IsDBNull("example") ? [] : reader.GetFieldValue<Guid[]>("example");
                return new Found(empty, tooLong, reader.GetInt64("shared"), example);
            },
            TableEntry.Role(tx.Call.WorkspaceId),
            new Statement(
                $"select count(*) filter (where {FieldRules.IsMissing(field.Column)}) as empty, ({tooLong})::bigint as too_long "
                    + $"from {table.QualifiedName} where deleted_at is null"
            ),
            new Statement(
                "select count(*) as shared, min(ids) as example from ("
                    + $"select array_agg(id order by id) as ids from {table.QualifiedName} "
                    + $"where deleted_at is null and {field.Column} is not null {(mustDiffer ? "" : "and false")} "
                    + $"group by {field.Kind.KeyOf(field.Column)} having count(*) > 1) shared"
            )
        );
        await tx.LeaveRoleAsync();
        if (mustExist && found.Empty > 0)
        {
            throw Problem.Invalid(
                "required",
                $"cannot be set while {found.Empty} records have no value",
                "Fill them first; search for IS_EMPTY."
            );
        }

        if (mustDiffer && (found.Shared > 0 || found.TooLong > 0))
        {
            var examples = string.Join(", ", found.Example.Take(5).Select(RecordIds.Format));
            throw Problem.Invalid(
                "unique",
                found.Shared > 0
                    ? $"cannot be set while {found.Shared} values are shared, one of them by {examples}"
                    : $"cannot be set while {found.TooLong} values are longer than {NewFields.MaxUniqueLength} characters",
                "Change those records first."
            );
        }
    }

    public static async Task IndexAsync(WriteTransaction tx, TableSchema table, FieldSchema field, bool unique)
    {
        if (unique == field.Unique)
        {
            return;
        }

        await tx.BatchAsync(
            _ => Task.FromResult(0),
            TableEntry.Role(tx.Call.WorkspaceId),
            unique ? NewFields.UniqueIndex(table.QualifiedName, field) : NewFields.DropUniqueIndex(tx.Call.WorkspaceId, field.Id)
        );
        await tx.LeaveRoleAsync();
    }

    /// <summary>How many records break which rule, and the records that share one value.</summary>
    private sealed record Found(long Empty, long TooLong, long Shared, Guid[] Example);
}
