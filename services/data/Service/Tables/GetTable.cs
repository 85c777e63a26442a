using Grpc.Core;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    public override async Task<GetTableResponse> GetTable(GetTableRequest request, ServerCallContext context) =>
        new() { Table = (await schemas.ReadAsync(context, request.TableId)).ToTable() };
}
