using System.Net.Sockets;
using Grpc.Core;
using MassTransit;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Platform.ServiceDefaults.Telemetry;

/// <summary>Something else failed, as its author foresaw. The message says all there is to say.</summary>
public abstract class ForeseenException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Failures that only say that somebody else is away or slow, or that a setting is wrong: the place in the code tells nothing about them,
/// and while it lasts there may be one for each call.
/// </summary>
internal static class Foreseen
{
    private const int MaxLength = 300;

    // Of libraries that this project does not refer to, or that have no common ancestor.
    private static readonly string[] _namespaces = ["RabbitMQ.Client.Exceptions", "StackExchange.Redis"];

    public static bool IsForeseen(Exception exception) => Chain(exception).Any(IsForeseenItself);

    /// <summary>The exception and its causes in one line, without a stack.</summary>
    public static string Describe(Exception exception) =>
        string.Join(" <- ", Chain(exception).Select(cause => $"{cause.GetType().Name}: {FirstLine(cause.Message)}").Distinct().Take(5));

    /// <summary>What tells one kind of failure from another, without what differs from call to call.</summary>
    public static string Kind(Exception exception) =>
        string.Join(
            ' ',
            Chain(exception)
                .Select(cause =>
                    cause switch
                    {
                        PostgresException postgres => $"Postgres {postgres.SqlState}",
                        RpcException rpc => $"Rpc {rpc.StatusCode}",
                        SocketException socket => $"Socket {socket.SocketErrorCode}",
                        _ => cause.GetType().FullName,
                    }
                )
        );

    private static IEnumerable<Exception> Chain(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            yield return cause;
        }
    }

    private static bool IsForeseenItself(Exception exception) =>
        exception switch
        {
            ForeseenException or SocketException or HttpRequestException or TimeoutException or OperationCanceledException => true,
            WrongSettingException or OptionsValidationException or ConnectionException => true,
            PostgresException { SqlState: var state } => state.StartsWith("08", StringComparison.Ordinal)
                || state.StartsWith("53", StringComparison.Ordinal)
                || state.StartsWith("57P", StringComparison.Ordinal),
            NpgsqlException { IsTransient: true } => true,
            RpcException { StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled } => true,
            // Of a connection. What is derived from it tells of files.
            _ => exception.GetType() == typeof(IOException) || _namespaces.Contains(exception.GetType().Namespace),
        };

    private static string FirstLine(string text)
    {
        var line = text.AsSpan(0, text.AsSpan().IndexOfAny('\r', '\n') is var end and >= 0 ? end : text.Length);
        return line.Length > MaxLength ? $"{line[..MaxLength]}…" : line.ToString();
    }
}
