using System.Text;
using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Views;

internal sealed partial class ViewsService
{
    public override async Task<ListViewsResponse> ListViews(ListViewsRequest request, ServerCallContext context)
    {
        var table = await schemas.ReadAsync(context, request.TableId);
        var query = Encoding.UTF8.GetBytes($"views {table.Key}");
        var views = table.Views.AsEnumerable();
        if (cursors.Open(request.Cursor, query) is [{ } last])
        {
            views = Cursors.From(views, view => view.Key == last).Skip(1);
        }

        var answer = new ListViewsResponse();
        var page = Page.Of(answer.Views, request.HasLimit ? request.Limit : MaxViews);
        foreach (var view in views)
        {
            if (!page.TryAdd(view.ToView(table), () => cursors.Seal(query, view.Key)))
            {
                break;
            }
        }

        answer.Page = page.Info;
        return answer;
    }
}
