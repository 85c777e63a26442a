using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Queries;

/// <summary>
/// Queries that look through long texts: two of a workspace run at a time, over all processes. Another one waits up to five seconds for a
/// place, without holding a connection, and is then refused.
/// </summary>
internal static class HeavyQueries
{
    private const int Places = 2;
    private const int MaxAttempts = 12;
    private const string NoPlace = "PD002";
    private const string Enter = "select data.begin_heavy_query($1)";

    /// <summary>Takes a place until the transaction ends. It comes before the role of the workspace's tables is entered.</summary>
    public static Statement Begin => new(Enter, Places);

    /// <exception cref="RpcException">TOO_MANY_HEAVY_QUERIES: no place became free in time.</exception>
    public static async Task<T> WaitAsync<T>(Func<Task<T>> query, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await query();
            }
            catch (PostgresException exception) when (exception.SqlState == NoPlace)
            {
                if (attempt == MaxAttempts)
                {
                    throw Problem.Of(
                        StatusCode.ResourceExhausted,
                        Reasons.TooManyHeavyQueries,
                        $"{Places} searches of this workspace are looking through long texts right now, and no more may run at a time.",
                        "Try again in a few seconds, or filter by other fields than texts of more than "
                            + $"{FilterSize.LongText} characters."
                    );
                }

                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(30, 70) * attempt * 1.5), time, cancellationToken);
            }
        }
    }
}
