using System.Data;
using Grpc.Core;
using Notes.Contracts;
using Notes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.Events;
using Platform.ServiceDefaults.State;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("notes");
builder.AddServiceDatabase(constraints =>
    constraints.Add("note_title_key", () => Problem.Conflict("TITLE_TAKEN", "Another note has this title.", "Choose another title."))
);
builder.AddToolsets(NotesContract.Catalogue);
builder.AddMessaging(bus => bus.TellProgress());
var app = builder.Build();
app.MapGrpcService<NotesService>();
await app.RunServiceAsync(args);

[ServicesOnly("edge")]
internal sealed class NotesService(UnitOfWork work) : Notes.Contracts.V1.Notes.NotesBase
{
    public override Task<CreateNoteResponse> CreateNote(CreateNoteRequest request, ServerCallContext context) =>
        work.WriteAsync(context, async tx =>
        {
            var id = Ids.New();
            await tx.ExecuteAsync("insert into notes.note (id, title) values ($1, $2)", id, request.Title);
            if (request.Fail)
            {
                throw new InvalidOperationException("secret detail");
            }

            tx.Announce(
                new NoteCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.Title),
                new Target("note", Ids.Format("note", id))
            );
            return new CreateNoteResponse { NoteId = Ids.Format("note", id) };
        });

    public override Task<ListNotesResponse> ListNotes(ListNotesRequest request, ServerCallContext context) =>
        work.ReadAsync(context, "select title from notes.note order by title", [], async reader =>
        {
            var response = new ListNotesResponse();
            while (await reader.ReadAsync())
            {
                response.Titles.Add(reader.GetString("title"));
            }

            return response;
        });

    public override Task<DeleteNotesResponse> DeleteNotes(DeleteNotesRequest request, ServerCallContext context) =>
        work.WriteAsync(context, async tx =>
        {
            var titles = await tx.QueryAsync("select title from notes.note order by id", row => row.GetString("title"));
            await tx.ConfirmAsync(string.Join('\n', titles), new { notes = titles.Count });
            var deleted = await tx.ExecuteAsync("delete from notes.note");
            tx.Announce(new NotesDeleted(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, deleted));
            return new DeleteNotesResponse { Deleted = deleted };
        });

    public override Task<ListNotesResponse> Ping(ListNotesRequest request, ServerCallContext context) =>
        Task.FromResult(new ListNotesResponse());
}
