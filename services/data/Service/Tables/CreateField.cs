using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    private const string LockTable = "select data.begin_schema_change($1)";

    private const string LastPosition = "select coalesce(max(position), -1) from data.field where table_id = $1";

    public override async Task<CreateFieldResponse> CreateField(CreateFieldRequest request, ServerCallContext context)
    {
        var id = Ids.TryParse("tbl", request.TableId, out var parsed) ? parsed : throw Problem.NotFound("table", request.TableId);
        if (NewFields.Check(request.Field, "field").ToList() is { Count: > 0 } violations)
        {
            throw Problem.Invalid(violations);
        }

        NewLinks? links = null;
        var answer = await work.WriteAsync(context, async tx =>
        {
            links = await NewLinks.BeginAsync(tx, id, [(request.Field, "field")]);
            var table = await TableSchemas.LoadAsync(tx, id) ?? throw Problem.NotFound("table", request.TableId);
            if (table.Fields.Count >= NewFields.MaxFields)
            {
                throw Problem.Conflict(
                    Reasons.TooManyFields,
                    $"The table has {NewFields.MaxFields} fields, which is the most.",
                    "Use another table."
                );
            }

            var field = FieldKind.Find(request.Field.Type) is { HasLinks: true }
                ? links.Define(request.Field, "field", id, table.Name, table.DatabaseId, table.PrimaryField, tx.Call.WorkspaceId)
                : NewFields.Define(request.Field);
            var position = await tx.ScalarAsync<int>(LastPosition, id) + 1;
            await tx.BatchAsync(_ => Task.FromResult(0), [.. NewFields.Insert(tx, id, field, position), Versions.Next(tx, id)]);
            await links.InsertInversesAsync(tx);
            await tx.BatchAsync(
                async reader =>
                {
                    await reader.NextResultAsync();
                    if (await reader.ReadAsync() && reader.GetBoolean(0) && field.Required)
                    {
                        throw Problem.Invalid(
                            "field.required",
                            "the table has records, which have no value yet",
                            "Create the field without required, and fill it."
                        );
                    }

                    return 0;
                },
                [
                    TableEntry.Role(tx.Call.WorkspaceId),
                    new Statement($"select exists (select from {table.QualifiedName} where deleted_at is null)"),
                    new Statement($"alter table {table.QualifiedName} add column {NewFields.Column(field)}"),
                    .. NewFields.Indexes(table.QualifiedName, field),
                ]
            );
            await tx.LeaveRoleAsync();
            tx.Announce(
                new FieldCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, field.Key, field.Name, field.Kind.Name),
                new Target("field", field.Key),
                new Target("table", table.Key)
            );
            return new CreateFieldResponse { Field = field.ToAnswer() };
        });
        schemas.Forget(id);
        links?.Tables.ToList().ForEach(schemas.Forget);
        return answer;
    }
}
