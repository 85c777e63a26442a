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
    private const string FindDatabase = "select 1 from data.database where id = $1 and deleted_at is null for key share";

    private const string EnsureWorkspace = "select data.ensure_workspace()";

    private const string InsertTable = """
        insert into data.database_table
            (workspace_id, environment_id, id, database_id, name, description, primary_field_id, schema_version,
                created_at, created_by, updated_at, updated_by)
        values (platform.workspace_id(), platform.environment_id(), $1, $2, $3, $4, $5, 1, $6, $7, $6, $7)
        """;

    public override async Task<CreateTableResponse> CreateTable(CreateTableRequest request, ServerCallContext context)
    {
        var databaseId = Ids.TryParse("db", request.DatabaseId, out var parsed)
            ? parsed
            : throw Problem.NotFound("database", request.DatabaseId);
        TableDefinition.Check(request);
        NewLinks? links = null;
        var answer = await work.WriteAsync(context, async tx =>
        {
            if (await tx.ScalarAsync<int?>(FindDatabase, databaseId) is null)
            {
                throw Problem.NotFound("database", request.DatabaseId);
            }

            links = await NewLinks.BeginAsync(tx, null, [.. request.Fields.Select((field, index) => (field, $"fields[{index}]"))]);
            var id = Ids.New();
            var defined = request
                .Fields.Select(field => FieldKind.Find(field.Type) is { HasLinks: true } ? null : NewFields.Define(field))
                .ToList();
            var primary = defined.First(field =>
                field is not null && (request.PrimaryField.Length == 0 || field.Name == request.PrimaryField)
            )!;
            var fields = defined
                .Select(
                    (field, index) =>
                        field
                        ?? links.Define(
                            request.Fields[index],
                            $"fields[{index}]",
                            id,
                            request.Name,
                            databaseId,
                            primary,
                            tx.Call.WorkspaceId
                        )
                )
                .ToList();
            var now = tx.Now.UtcDateTime;
            var table = new TableSchema(tx.Call.WorkspaceId, tx.Call.EnvironmentId!.Value, id, 1, fields)
            {
                DatabaseId = databaseId,
                Name = request.Name,
                Description = request.Description,
                PrimaryFieldId = primary.Id,
                CreatedAt = now,
                UpdatedAt = now,
            };
            await tx.BatchAsync(
                _ => Task.FromResult(0),
                [
                    new Statement(EnsureWorkspace),
                    new Statement(InsertTable, table.Id, databaseId, table.Name, table.Description, primary.Id, now, tx.Call.ActorId),
                    .. fields.SelectMany((field, index) => NewFields.Insert(tx, table.Id, field, index)),
                ]
            );
            await links.InsertInversesAsync(tx);
            await tx.BatchAsync(
                _ => Task.FromResult(0),
                [
                    TableEntry.Role(tx.Call.WorkspaceId),
                    TableDefinition.Create(table),
                    .. fields.SelectMany(field => NewFields.Indexes(table.QualifiedName, field)),
                ]
            );
            await tx.LeaveRoleAsync();
            tx.Announce(
                new TableCreated(
                    tx.NewEventId(),
                    tx.Call.WorkspaceId,
                    tx.Now,
                    request.DatabaseId,
                    table.Key,
                    table.Name,
                    fields.ConvertAll(field => field.Key)
                ),
                new Target("table", table.Key),
                new Target("database", request.DatabaseId)
            );
            return new CreateTableResponse { Table = table.ToTable() };
        });
        links?.Tables.ToList().ForEach(schemas.Forget);
        return answer;
    }
}

file static class TableDefinition
{
    public static void Check(CreateTableRequest request)
    {
        var violations = new List<Violation>();
        if (Names.Find("name", request.Name) is { } misnamed)
        {
            violations.Add(misnamed);
        }

        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < request.Fields.Count; i++)
        {
            violations.AddRange(NewFields.Check(request.Fields[i], $"fields[{i}]"));
            if (!names.Add(request.Fields[i].Name))
            {
                violations.Add(
                    new Violation
                    {
                        Field = $"fields[{i}].name",
                        Rule = $"{request.Fields[i].Name} appears twice",
                        Fix = "Give every field a name of its own.",
                    }
                );
            }
        }

        var primary =
            request.PrimaryField.Length == 0
                ? request.Fields[0]
                : request.Fields.FirstOrDefault(field => field.Name == request.PrimaryField);
        if (primary is null)
        {
            violations.Add(
                new Violation
                {
                    Field = "primaryField",
                    Rule = "is not the name of a field",
                    Fix = $"Use one of: {string.Join(", ", request.Fields.Select(field => field.Name))}.",
                }
            );
        }
        else if (FieldKind.Find(primary.Type) is { CanBePrimary: false } kind)
        {
            violations.Add(
                new Violation
                {
                    Field = "primaryField",
                    Rule = $"{primary.Name} is of type {kind.Name}, which cannot name records",
                    Fix = "Name a field of another type in primaryField.",
                }
            );
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }
    }

    public static Statement Create(TableSchema table) =>
        new(
            $"""
            create table {table.QualifiedName} (
                id uuid primary key,
                version bigint not null,
                created_at timestamptz not null,
                created_by text collate "C" not null,
                updated_at timestamptz not null,
                updated_by text collate "C" not null,
                deleted_at timestamptz
                {string.Concat(table.Fields.Select(field => $", {NewFields.Column(field)}"))}
            )
            """
        );
}
