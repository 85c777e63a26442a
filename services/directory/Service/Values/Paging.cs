using Google.Protobuf;
using Npgsql;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Values;

/// <summary>Pages by id: a cursor is the id of the last row shown, so that rows that come or go meanwhile shift nothing.</summary>
internal static class Paging
{
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

    /// <summary>Reads a page. The query asks for one row more than the limit, so that a page knows whether it is the last.</summary>
    public static async Task<PageInfo> ReadAsync<T>(
        NpgsqlDataReader reader,
        IList<T> entries,
        int limit,
        Func<NpgsqlDataReader, T> read,
        Func<T, string> id
    )
        where T : IMessage
    {
        var page = Page.Of(entries, limit);
        while (await reader.ReadAsync())
        {
            var entry = read(reader);
            if (!page.TryAdd(entry, () => id(entry)))
            {
                break;
            }
        }

        return page.Info;
    }
}
