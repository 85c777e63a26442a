using Grpc.Core;
using Platform.Data.Contracts.V1;

namespace Platform.Data.Service.Views;

internal sealed partial class ViewsService
{
    public override async Task<ListViewsResponse> ListViews(ListViewsRequest request, ServerCallContext context)
    {
        var table = await schemas.ReadAsync(context, request.TableId);
        return new ListViewsResponse { Views = { table.Views.Select(view => view.ToView(table)) } };
    }
}
