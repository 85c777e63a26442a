using Notes.Contracts.V1;
using Platform.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Platform.ServiceDefaults.Tests;

public class NotesFixture(PostgresFixture postgres) : ServiceFixture<Program>(postgres, "notes")
{
    public Notes.Contracts.V1.Notes.NotesClient Client => new(Channel);

    public async Task<IReadOnlyList<string>> TitlesAsync(TestCaller caller) =>
        (await Client.ListNotesAsync(new ListNotesRequest(), As(caller))).Titles;
}
