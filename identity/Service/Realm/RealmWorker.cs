using Microsoft.Extensions.Options;
using Npgsql;
using Platform.Identity.Service.Keycloak;

namespace Platform.Identity.Service.Realm;

/// <summary>
/// Keeps the realm as its file says, and tells its followers what happens in it. While Keycloak is away it goes on trying, quietly.
/// </summary>
internal sealed partial class RealmWorker(
    KeycloakAdmin keycloak,
    RealmFile file,
    RealmEvents events,
    IEnumerable<IRealmFollower> followers,
    RealmState state,
    IOptions<KeycloakOptions> options,
    TimeProvider time,
    ILogger<RealmWorker> log
) : BackgroundService
{
    // Short: a Keycloak that has just started is of use only when the realm is as its file says.
    private static readonly TimeSpan _maxPause = TimeSpan.FromSeconds(4);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.IsConfigured)
        {
            state.Failed("There is no Keycloak: personal tokens work, OAuth does not.");
            LogNone();
            return;
        }

        var pause = TimeSpan.FromSeconds(1);
        var warned = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ReconcileAsync(stoppingToken);
                pause = TimeSpan.FromSeconds(1);
                warned = false;
                await FollowAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever goes wrong here, personal tokens go on working.
                if (exception is not (KeycloakUnavailableException or NpgsqlException))
                {
                    LogUnforeseen(exception);
                }

                // Once per outage, and not for one that starts later than this service.
                var worthTelling = !warned && (state.IsReady || pause >= _maxPause);
                warned |= worthTelling;
                LogAway(worthTelling ? LogLevel.Warning : LogLevel.Debug, exception.Message);
                state.Failed(exception.Message);
                await Task.Delay(pause, stoppingToken);
                pause = pause < _maxPause ? pause * 2 : _maxPause;
            }
        }
    }

    /// <summary>Brings the realm in line with its file, once.</summary>
    public async Task ReconcileAsync(CancellationToken cancellationToken)
    {
        var changes = await new RealmReconciler(keycloak, file, options.Value.ClientId, options.Value.ClientSecret).RunAsync(
            cancellationToken
        );
        foreach (var change in changes)
        {
            LogChanged(change);
        }

        foreach (var follower in followers)
        {
            await follower.ReconciledAsync(cancellationToken);
        }

        state.Ready();
    }

    /// <summary>Acts on what happened in the realm since the last time.</summary>
    public async Task ActAsync(CancellationToken cancellationToken)
    {
        foreach (var happened in await events.ReadAsync(cancellationToken))
        {
            foreach (var follower in followers)
            {
                await follower.ActAsync(happened, cancellationToken);
            }

            events.Done(happened);
        }
    }

    private async Task FollowAsync(CancellationToken stoppingToken)
    {
        var until = time.GetUtcNow() + options.Value.ReconcileEvery;
        while (time.GetUtcNow() < until)
        {
            await ActAsync(stoppingToken);
            await Task.Delay(options.Value.ReadEventsEvery, stoppingToken);
        }
    }

    [LoggerMessage(4051, LogLevel.Information, "There is no Keycloak: personal tokens work, OAuth does not")]
    private partial void LogNone();

    [LoggerMessage(4054, LogLevel.Error, "The realm could not be kept as its file says")]
    private partial void LogUnforeseen(Exception exception);

    [LoggerMessage(4052, LogLevel.Information, "Changed the realm: {Change}")]
    private partial void LogChanged(string change);

    [LoggerMessage(EventId = 4053, Message = "The realm cannot be reached: {Problem}")]
    private partial void LogAway(LogLevel level, string problem);
}
