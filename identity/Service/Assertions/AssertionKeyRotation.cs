using Npgsql;

namespace Platform.Identity.Service.Assertions;

/// <summary>Keeps the key ring of caller assertions turning.</summary>
internal sealed partial class AssertionKeyRotation(AssertionKeyRing keys, ILogger<AssertionKeyRotation> log) : BackgroundService
{
    private static readonly TimeSpan _every = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_every);
        do
        {
            try
            {
                await keys.MaintainAsync(stoppingToken);
            }
            catch (NpgsqlException exception)
            {
                LogFailed(exception);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(4001, LogLevel.Warning, "The keys of caller assertions could not be maintained; the next try is in a minute")]
    private partial void LogFailed(Exception exception);
}
