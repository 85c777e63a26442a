using Platform.Contracts;
using Platform.Contracts.Catalogue;

namespace Notes.Contracts;

public static class NotesContract
{
    public static ToolCatalogue Catalogue { get; } = ToolCatalogue.Of("notes", typeof(NotesContract).Assembly);
}

public sealed record NoteCreated(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, string Title) : IEvent;

public sealed record NotesDeleted(Guid EventId, Guid WorkspaceId, DateTimeOffset OccurredAt, int Count) : IEvent;
