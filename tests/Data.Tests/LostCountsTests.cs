using Microsoft.Extensions.DependencyInjection;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Indexes;
using Platform.Testing;

namespace Platform.Data.Tests;

/// <summary>Counts of searches whose commit is lost. It takes a trigger for all, so a service of its own.</summary>
public sealed class LostCountsTests(EarnedIndexTests.Fixture data) : IClassFixture<EarnedIndexTests.Fixture>
{
    [Fact]
    public async Task Counts_that_are_lost_with_their_commit_do_not_end_the_service()
    {
        await data.ExecuteAsync(
            """
            create sequence data.ended_sessions;
            create function data.end_session() returns trigger language plpgsql security definer as $$
            begin
                perform nextval('data.ended_sessions');
                perform pg_terminate_backend(pg_backend_pid());
                return null;
            end $$;
            create constraint trigger ends_session after insert or update on data.search_usage
                deferrable initially deferred for each row execute function data.end_session()
            """
        );
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("Name", FieldType.Text));
        const string Filter = """{"operator":"IS","leftSide":"Name","rightSide":"a"}""";
        await data.SearchAsync(owner, table, Filter);
        await Eventually.AsyncTrue(
            () => data.ScalarAsync<bool>("select is_called from data.ended_sessions"),
            () => "the counts to be lost"
        );
        await data.ExecuteAsync("drop trigger ends_session on data.search_usage");
        await Eventually.AsyncTrue(
            async () =>
            {
                await data.SearchAsync(owner, table, Filter);
                return await data.ScalarAsync<bool>("select exists (select from data.search_usage)");
            },
            () => "the next counts"
        );
        Assert.False(data.Services.GetRequiredService<SearchUsage>().ExecuteTask!.IsCompleted);
    }
}
