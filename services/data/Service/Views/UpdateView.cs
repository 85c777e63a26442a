using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Views;

internal sealed partial class ViewsService
{
    private const string ChangeView =
        "update data.view set name = $2, filter = nullif($3, ''), sorting = $4, fields = $5, updated_at = $6, updated_by = $7 "
        + "where id = $1";

    public override async Task<UpdateViewResponse> UpdateView(UpdateViewRequest request, ServerCallContext context)
    {
        if (request.HasName)
        {
            Names.Check("name", request.Name);
        }

        if (request.ClearSorting && request.Sorting.Count > 0)
        {
            throw Problem.Invalid("clearSorting", "comes together with sorting", "Send one of them.");
        }

        var answer = await work.WriteAsync(context, async tx =>
        {
            var table = await LockAsync(tx, request.TableId);
            var before = table.FindView(request.View);
            var view = before with
            {
                Name = request.HasName ? request.Name : before.Name,
                Filter = request.Filter is null ? before.Filter : Filter(table, request.Filter),
                Sorting =
                    request.ClearSorting ? []
                    : request.Sorting.Count > 0 ? Sorting(table, request.Sorting)
                    : before.Sorting,
                Fields = request.Fields.Count > 0 ? Fields(table, request.Fields) : before.Fields,
                UpdatedAt = tx.Now.UtcDateTime,
            };
            var changes = new SchemaChanges();
            changes.Add("name", before.Name, view.Name, _ => { });
            changes.Add("filter", before.Filter ?? "", view.Filter ?? "", _ => { });
            changes.Add("sorting", string.Join(", ", before.Sorting), string.Join(", ", view.Sorting), _ => { });
            changes.Add("fields", string.Join(", ", before.Fields), string.Join(", ", view.Fields), _ => { });
            if (!changes.Any)
            {
                return new UpdateViewResponse { View = before.ToView(table) };
            }

            await tx.ExecuteAsync(
                ChangeView,
                view.Id,
                view.Name,
                view.Filter ?? "",
                view.Sorting.ToArray(),
                view.Fields.ToArray(),
                view.UpdatedAt,
                tx.Call.ActorId
            );
            var next = Versions.Next(tx, table.Id);
            await tx.ExecuteAsync(next.Sql, next.Arguments);
            tx.Announce(
                new ViewUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, view.Key, changes.All),
                new Target("view", view.Key),
                new Target("table", table.Key)
            );
            return new UpdateViewResponse
            {
                View = new ViewSchema(view.Id, view.Name, view.Filter, view.Sorting, view.Fields, view.UpdatedAt).ToView(table),
            };
        });
        Forget(request.TableId);
        return answer;
    }
}
