using System.Data;
using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>Says which value of a unique field is taken, and by which record.</summary>
internal static class UniqueValues
{
    public static FieldSchema? FieldOf(PostgresException exception, TableSchema table) =>
        exception.SqlState == PostgresErrorCodes.UniqueViolation
            ? table.Fields.FirstOrDefault(field => FieldSchema.UniqueIndexOf(field.Id) == exception.ConstraintName)
            : null;

    /// <param name="work">For one read.</param>
    /// <param name="context">The call that failed.</param>
    /// <param name="table">Its table.</param>
    /// <param name="field">The unique field.</param>
    /// <param name="values">What the call wanted to write, one per record.</param>
    /// <param name="pathOf">The path of a record's values as the caller spelled it.</param>
    /// <param name="own">The record that each value is for, where it exists already.</param>
    public static async Task<RpcException> ExplainAsync(
        UnitOfWork work,
        ServerCallContext context,
        TableSchema table,
        FieldSchema field,
        object?[] values,
        Func<int, string> pathOf,
        IReadOnlyList<Guid?>? own = null
    )
    {
        var kind = field.Kind;
        var taken = await work.ReadAsync(
            context.Call(),
            SessionSettings.Default,
            async reader =>
            {
                await reader.NextResultAsync();
                var found = new List<(int Index, Guid Id)>();
                while (await reader.ReadAsync())
                {
                    var (index, id) = (reader.GetInt32("index"), reader.GetGuid("id"));
                    if (own?[index - 1] != id)
                    {
                        found.Add((index, id));
                    }
                }

                return found;
            },
            context.CancellationToken,
            TableEntry.For(table),
            new Statement(
                $"select v.index::int as index, r.id from unnest($1) with ordinality as v(value, index) "
                    + $"join {table.QualifiedName} r on {kind.KeyOf($"r.{field.Column}")} = {kind.KeyOf($"v.value{kind.Cast}")} "
                    + "where r.deleted_at is null order by v.index",
                kind.ArrayParameter(values)
            )
        );
        return taken.Count == 0
            ? Problem.Conflict(Reasons.ValueTaken, $"A value of the unique field {field.Name} was given twice.", "Send every value once.")
            : Problem.Of(
                StatusCode.FailedPrecondition,
                new ProblemDetail
                {
                    Reason = Reasons.ValueTaken,
                    Message = $"{field.Name} is unique, and {taken.Count} of the values sent are there already.",
                    Fix = "Send other values, or update the records that have them.",
                    Violations =
                    {
                        taken
                            .Take(50)
                            .Select(one => new Violation
                            {
                                Field = $"{pathOf(one.Index - 1)}.{field.Name}",
                                Rule = $"is the value of {RecordIds.Format(one.Id)}",
                                Fix = "Send another value, or update that record.",
                            }),
                    },
                }
            );
    }
}
