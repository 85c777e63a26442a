using Grpc.Core;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    public override async Task<ListFieldsResponse> ListFields(ListFieldsRequest request, ServerCallContext context)
    {
        var answer = new ListFieldsResponse();
        answer.Fields.AddRange((await schemas.ReadAsync(context, request.TableId)).Fields.Select(field => field.ToField()));
        return answer;
    }
}
