using Npgsql;

namespace Platform.ServiceDefaults.State;

/// <summary>Failures of PostgreSQL that go away when the same work is repeated from the beginning.</summary>
public static class Transient
{
    private const int MaxAttempts = 4;

    // Locks taken by others, and plans or columns that a schema change made stale.
    private static readonly HashSet<string> _states =
    [
        PostgresErrorCodes.SerializationFailure,
        PostgresErrorCodes.DeadlockDetected,
        PostgresErrorCodes.LockNotAvailable,
        PostgresErrorCodes.FeatureNotSupported,
        PostgresErrorCodes.UndefinedColumn,
        PostgresErrorCodes.UndefinedTable,
    ];

    /// <summary>
    /// Runs work that is one transaction of its own. When such a failure ends it, it runs again from the beginning, three times at most.
    /// </summary>
    public static async Task<T> RepeatAsync<T>(Func<Task<T>> work, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work();
            }
            catch (PostgresException exception) when (attempt < MaxAttempts && _states.Contains(exception.SqlState))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(10, 50 * attempt)), time, cancellationToken);
            }
        }
    }
}
