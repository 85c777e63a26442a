using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<GetRecordResponse> GetRecord(GetRecordRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, async table =>
        {
            using var rows = new RecordRows(
                FieldSelection.Of(table, request.ReturnFields, request.FieldKeys, allByDefault: true),
                withAuthors: true
            );
            var id = Ids.TryParse("rec", request.RecordId, out var parsed) ? parsed : throw Problem.NotFound("record", request.RecordId);
            return await work.ReadAsync(
                context.Call(),
                SessionSettings.Default,
                async reader =>
                {
                    await TableEntry.CheckAsync(reader, table);
                    return await reader.ReadAsync()
                        ? new GetRecordResponse { Record = rows.Read(reader) }
                        : throw Problem.NotFound("record", request.RecordId);
                },
                context.CancellationToken,
                TableEntry.For(table),
                new Statement($"select {rows.Columns} from {table.QualifiedName} r where r.id = $1 and r.deleted_at is null", id)
            );
        });
}
