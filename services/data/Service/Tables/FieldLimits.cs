using System.Data;
using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Indexes;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

/// <summary>What a value of a field may be at most. The type itself never changes.</summary>
/// <param name="MaxLength">Characters of a text.</param>
/// <param name="Precision">Decimal places of a number.</param>
/// <param name="IsSingle">Whether a link field holds one record.</param>
internal sealed record FieldLimits(int? MaxLength, int? Precision, bool IsSingle)
{
    private const int Examples = 5;

    public static FieldLimits Of(FieldSchema field) => new(field.MaxLength, field.Precision, field.Kind.IsSingle);

    /// <summary>The limits that a call wants.</summary>
    /// <param name="field">Whose limits these are.</param>
    /// <param name="request">What the call says.</param>
    /// <param name="misplaced">What does not go with such a field and does not belong to a definition.</param>
    public FieldLimits With(FieldSchema field, UpdateFieldRequest request, out List<Violation> misplaced)
    {
        misplaced = [];
        if (request.ClearLimits && (request.HasMaxLength || request.HasPrecision))
        {
            misplaced.Add(
                new Violation
                {
                    Field = "clearLimits",
                    Rule = "comes together with a limit",
                    Fix = "Leave one of them out.",
                }
            );
        }

        if (request.HasSingle && field.Kind is not { HasLinks: true, HasColumn: true })
        {
            misplaced.Add(
                new Violation
                {
                    Field = "single",
                    Rule = "goes with the side of a link that keeps it",
                    Fix = "Leave it out, or change the field that keeps the links.",
                }
            );
        }

        return new FieldLimits(
            request.HasMaxLength ? request.MaxLength
                : request.ClearLimits ? null
                : MaxLength,
            request.HasPrecision ? request.Precision
                : request.ClearLimits ? null
                : Precision,
            request.HasSingle ? request.Single : IsSingle
        );
    }

    public void Describe(FieldSchema field, SchemaChanges changes)
    {
        var before = Of(field);
        changes.Add("maxLength", before.MaxLength, MaxLength);
        changes.Add("precision", before.Precision, Precision);
        changes.Add("single", before.IsSingle, IsSingle, _ => { });
    }

    /// <summary>Under the lock of a schema change: values that are there must fit. Indexes that were made for other values go.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: how many records break a limit, and which, for example.</exception>
    public async Task CheckAsync(WriteTransaction tx, TableSchema table, FieldSchema field)
    {
        var before = Of(field);
        var violations = new List<Violation>();
        if (MaxLength is { } length && MaxLength != before.MaxLength)
        {
            await CheckAsync("maxLength", $"{length}", FieldRules.IsLonger(field.Column, length), "are longer");
        }

        if (Precision is { } precision && Precision != before.Precision)
        {
            await CheckAsync("precision", $"{precision}", FieldRules.HasMoreDecimals(field.Column, precision), "have more decimal places");
        }

        if (IsSingle && !before.IsSingle)
        {
            // Links to deleted records count: they come back with them.
            await CheckAsync("single", "set", FieldRules.HoldsSeveral(field.Column), "hold more than one link, deleted ones counted");
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }

        if (MaxLength != before.MaxLength)
        {
            await EarnedIndexes.DropOfAsync(tx, table.Id, field.Id);
        }

        async Task CheckAsync(string property, string value, string condition, string how)
        {
            var (count, ids) = await tx.BatchAsync(
                async reader =>
                {
                    await reader.NextResultAsync();
                    await reader.ReadAsync();
                    return (reader.GetInt64("count"), reader.GetFieldValue<Guid[]>("examples"));
                },
                TableEntry.Role(tx.Call.WorkspaceId),
                new Statement(
                    $"select count(*) as count, coalesce((array_agg(id order by id))[1:{Examples}], '{{}}') as examples "
                        + $"from {table.QualifiedName} where deleted_at is null and {condition}"
                ),
                new Statement("set local role none")
            );
            if (count > 0)
            {
                var examples = string.Join(", ", ids.Select(RecordIds.Format)) + (count > ids.Length ? ", …" : "");
                violations.Add(
                    new Violation
                    {
                        Field = property,
                        Rule = $"cannot be {value} while {count} records {how}: {examples}",
                        Fix = "Change those records first.",
                    }
                );
            }
        }
    }
}
