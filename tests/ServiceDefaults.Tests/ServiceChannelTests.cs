using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notes.Contracts.V1;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

/// <summary>A service that was away for long is reached soon after it is back.</summary>
public sealed class ServiceChannelTests
{
    [Fact]
    public async Task A_service_that_is_away_is_looked_for_again_and_again()
    {
        using var log = new CapturedLog();
        await using var provider = new ServiceCollection()
            .AddSingleton<IConfiguration>(
                new ConfigurationBuilder().AddInMemoryCollection([new("services:notes:grpc:0", "http://127.0.0.1:1")]).Build()
            )
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log))
            .AddServiceClient<Notes.Contracts.V1.Notes.NotesClient>("notes")
            .Services.BuildServiceProvider();
        var client = provider.GetRequiredService<Notes.Contracts.V1.Notes.NotesClient>();

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await client.ListNotesAsync(new ListNotesRequest()));

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        // With the usual growth of the wait between attempts, the twelfth comes after four minutes.
        await Eventually.AsyncTrue(async () =>
        {
            await Assert.ThrowsAsync<RpcException>(async () => await client.ListNotesAsync(new ListNotesRequest()));
            return log.Entries.Count(entry => entry.Text.Contains("error connecting to socket", StringComparison.Ordinal)) >= 12;
        });
    }
}
