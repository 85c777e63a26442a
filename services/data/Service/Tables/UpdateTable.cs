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
    private const string ChangeTable = """
        update data.database_table set name = $2, description = $3, primary_field_id = $4,
            schema_version = schema_version + 1, updated_at = $5, updated_by = $6
        where id = $1
        """;

    public override async Task<UpdateTableResponse> UpdateTable(UpdateTableRequest request, ServerCallContext context)
    {
        var id = Ids.TryParse("tbl", request.TableId, out var parsed) ? parsed : throw Problem.NotFound("table", request.TableId);
        if (request.HasName)
        {
            Names.Check("name", request.Name);
        }

        var answer = await work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockTable, id);
            var before = await TableSchemas.LoadAsync(tx, id) ?? throw Problem.NotFound("table", request.TableId);
            var (name, description, primary) = (before.Name, before.Description, PrimaryOf(before, request.PrimaryField));
            var changes = new SchemaChanges();
            changes.Add("name", before.Name, request.HasName ? request.Name : null, text => name = text);
            changes.Add("description", before.Description, request.HasDescription ? request.Description : null, text => description = text);
            if (primary != before.PrimaryField)
            {
                changes.Add("primaryField", before.PrimaryField.Key, primary.Key);
            }

            if (!changes.Any)
            {
                return new UpdateTableResponse { Table = before.ToTable() };
            }

            await tx.BatchAsync(
                _ => Task.FromResult(0),
                new Statement(ChangeTable, id, name, description, primary.Id, tx.Now.UtcDateTime, tx.Call.ActorId),
                Versions.OfLinked(id)
            );
            tx.Announce(
                new TableUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, before.Key, changes.All),
                new Target("table", before.Key)
            );
            return new UpdateTableResponse { Table = (await TableSchemas.LoadAsync(tx, id))!.ToTable() };
        });
        schemas.Forget(id);
        return answer;
    }

    private static FieldSchema PrimaryOf(TableSchema table, string nameOrId)
    {
        if (nameOrId.Length == 0)
        {
            return table.PrimaryField;
        }

        var field = table.Find(nameOrId)
            ?? throw Problem.Invalid("primaryField", "is not a field of the table", table.KnownFields(withSystem: false));
        return field.Kind.CanBePrimary
            ? field
            : throw Problem.Invalid(
                "primaryField",
                $"{field.Name} is of type {field.Kind.Name}, which cannot name records",
                "Name a field of another type."
            );
    }
}
