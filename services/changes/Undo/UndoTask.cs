using System.Security.Cryptography;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

public sealed partial class ChangesService
{
    public override Task<UndoTaskResponse> UndoTask(UndoTaskRequest request, ServerCallContext context) =>
        work.WriteAsync(context, async tx =>
        {
            await FindPartAsync(tx, request.TaskId);
            var scope = new ChangeScope(request.TaskId, null);
            return new UndoTaskResponse { Parts = { await UndoAsync(tx, scope, await Journal.FindAsync(tx, scope)) } };
        });

    private async Task<UndoPart> UndoAsync(WriteTransaction tx, ChangeScope scope, List<JournaledChange> changes)
    {
        var report = new UndoReport { Part = { Service = service.Name } };
        var candidates = changes.Where(change => scope.IncludesUndo || !change.IsUndo).ToList();
        await undo.UndoAsync(tx, scope, candidates, report);
        foreach (var change in candidates.Where(change => !report.IsHandled(change) && change.Action != "task.begun"))
        {
            report.Left(
                new LeftAlone
                {
                    Kind = change.Targets[0].Kind,
                    Id = change.Targets[0].Ids is [var id, ..] ? id : "",
                    Reason = Reasons.CannotBeUndone,
                    Why = (change.Targets[0].Count > 1 ? $"{change.Targets[0].Count} of them: " : "") + undo.WhyNot(change.Tool),
                    ChangedBy = change.Actor,
                    ChangedAt = Timestamp.FromDateTime(change.ChangedAt),
                    CallId = change.CallId,
                }
            );
        }

        if (report.HasUndone)
        {
            await tx.LeaveRoleAsync();
            // Everything is done at this point, so the preview shows exactly what would happen. Without a confirmation it is rolled back.
            var fingerprint = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(report.Fingerprint)));
            await tx.ConfirmAsync(fingerprint, UndoPreview.Of(report.Part.Clone().Fit(AnswerSize.MaxPreview)));
        }

        return report.Part.Fit();
    }
}

file static class UndoPreview
{
    public static object Of(UndoPart part) =>
        new
        {
            part.Service,
            Undone = part.Undone.Select(undone => new
            {
                undone.Kind,
                undone.TableId,
                undone.How,
                undone.Count,
                undone.Note,
                Ids = undone.Ids.Take(20),
            }),
            Left = part
                .Left.Take(20)
                .Select(left => new
                {
                    left.Kind,
                    left.Id,
                    left.TableId,
                    left.Reason,
                    left.Why,
                    left.ChangedBy,
                    ChangedAt = left.ChangedAt?.ToDateTime(),
                }),
            part.LeftCount,
            part.UndoneBefore,
        };
}
