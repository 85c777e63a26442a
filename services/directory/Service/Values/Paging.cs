using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Values;

/// <summary>Pages by id: a cursor is the id of the last row shown, so that rows that come or go meanwhile shift nothing.</summary>
internal static class Paging
{
    public const int DefaultLimit = 50;

    /// <summary>A list is planned with its arguments in sight: filters that were not given vanish from the plan.</summary>
    public static SessionSettings Settings { get; } = new(ForceCustomPlan: true);

    /// <summary>Where the page begins; null for the first.</summary>
    public static Guid? Cursor(string prefix, string cursor) =>
        cursor.Length == 0 ? null
        : Ids.TryParse(prefix, cursor, out var id) ? id
        : throw Problem.Invalid(
            "cursor",
            "is not one that this list gave",
            "Send nextCursor of the page before, or leave it out to begin anew."
        );

    /// <summary>Takes the row that was read beyond the limit off again, and tells whether there was one.</summary>
    public static PageInfo Close<T>(IList<T> rows, int limit, Func<T, string> id)
    {
        if (rows.Count <= limit)
        {
            return new PageInfo();
        }

        rows.RemoveAt(rows.Count - 1);
        return new PageInfo { HasMore = true, NextCursor = id(rows[^1]) };
    }
}
