using System.Net.Sockets;
using Npgsql;

namespace Platform.ServiceDefaults.State;

/// <summary>Failures of PostgreSQL that go away when the same work is repeated from the beginning.</summary>
public static class Transient
{
    private const int MaxAttempts = 4;

    // Locks taken by others, plans or columns that a schema change made stale, and sessions that the server has ended.
    private static readonly HashSet<string> _states =
    [
        PostgresErrorCodes.SerializationFailure,
        PostgresErrorCodes.DeadlockDetected,
        PostgresErrorCodes.LockNotAvailable,
        PostgresErrorCodes.FeatureNotSupported,
        PostgresErrorCodes.UndefinedColumn,
        PostgresErrorCodes.UndefinedTable,
        PostgresErrorCodes.AdminShutdown,
    ];

    /// <summary>
    /// Runs work that is one transaction of its own. When such a failure ends it, it runs again from the beginning, three times at most.
    /// Whoever commits in it by themselves has to say what becomes of a commit whose answer is lost.
    /// </summary>
    public static async Task<T> RepeatAsync<T>(Func<Task<T>> work, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work();
            }
            catch (NpgsqlException exception) when (attempt < MaxAttempts && GoesAway(exception))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(10, 50 * attempt)), time, cancellationToken);
            }
        }
    }

    // A pool still holds connections whose sessions have ended.
    private static bool GoesAway(NpgsqlException exception) =>
        exception is PostgresException { SqlState: var state }
            ? _states.Contains(state)
            : exception.InnerException is IOException or SocketException;
}
