using Google.Protobuf.Collections;
using Platform.Changes.Contracts.V1;
using Platform.ServiceDefaults.Calls;

namespace Platform.Changes.Undo;

/// <summary>Cuts the lists of a part to what an answer holds. Counts tell of the whole.</summary>
internal static class FittingPart
{
    // The parts of several services stand in one answer.
    private const int MaxBytes = AnswerSize.MaxEntries / 2;

    public static UndoPart Fit(this UndoPart part, int bytes = MaxBytes)
    {
        var size = new AnswerSize(bytes);
        part.Undone.ToList().ForEach(undone => Fit(undone.Ids, size));
        Keep(part.Left, left => size.TryTake(JsonSize.Of(left)));
        return part;
    }

    public static TaskPart Fit(this TaskPart part)
    {
        var size = new AnswerSize(MaxBytes);
        part.Changes.ToList().ForEach(change => Fit(change.Ids, size));
        return part;
    }

    private static void Fit(RepeatedField<string> ids, AnswerSize size) => Keep(ids, id => size.TryTake(JsonSize.Of(id)));

    private static void Keep<T>(RepeatedField<T> entries, Func<T, bool> fits)
    {
        var kept = entries.TakeWhile(fits).ToList();
        entries.Clear();
        entries.Add(kept);
    }
}
