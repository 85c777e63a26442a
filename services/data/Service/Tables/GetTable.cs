using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Indexes;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    public override async Task<GetTableResponse> GetTable(GetTableRequest request, ServerCallContext context)
    {
        var table = await schemas.ReadAsync(context, request.TableId);
        return new GetTableResponse
        {
            Table = table.ToTable(),
            Indexes = { await EarnedIndexes.ReadAsync(work, context.Call(), table, context.CancellationToken) },
        };
    }
}
