using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

public sealed partial class ChangesService
{
    public override Task<UndoChangeResponse> UndoChange(UndoChangeRequest request, ServerCallContext context) =>
        work.WriteAsync(context, async tx =>
        {
            var scope = new ChangeScope(null, request.CallId);
            var changes = await Journal.FindAsync(tx, scope);
            return changes.Count > 0
                ? new UndoChangeResponse { Parts = { await UndoAsync(tx, scope, changes) } }
                : throw Problem.Of(
                    StatusCode.NotFound,
                    Reasons.ChangeNotFound,
                    $"No call {request.CallId} has changed anything in this environment.",
                    "Take the `callId` from the answer of a change, from list_record_history or from search_audit_events, "
                        + "or name another environment."
                );
        });
}
