using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.ServiceDefaults;

/// <summary>Why a program cannot run, for the person who set it up: one line, without a stack.</summary>
public static class StartFailure
{
    private static int _isExplained;

    /// <summary>
    /// From now on, when the process ends because of a setting, a port that is taken or a file that cannot be used, it says so in one line
    /// on standard error and ends with exit code 1. Any other failure ends it as usual, with its stack.
    /// </summary>
    /// <param name="program">What the line calls it.</param>
    /// <param name="describe">What else the program can explain; null for the rest.</param>
    public static void Explain(string program, Func<Exception, string?>? describe = null)
    {
        if (Interlocked.Exchange(ref _isExplained, 1) == 0)
        {
            AppDomain.CurrentDomain.UnhandledException += (_, failure) =>
            {
                if (failure.ExceptionObject is Exception exception && (Describe(exception) ?? describe?.Invoke(exception)) is { } reason)
                {
                    Console.Error.WriteLine($"{program} cannot run: {reason}");
                    // Otherwise the runtime would write the stack.
                    Environment.Exit(1);
                }
            };
        }
    }

    /// <summary>Null for what nobody but a developer can mend.</summary>
    internal static string? Describe(Exception exception) =>
        exception switch
        {
            WrongSettingException or OptionsValidationException => exception.Message,
            AggregateException { InnerExceptions: [var only] } => Describe(only),
            // It names the setting and its type. Its causes only repeat that.
            InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" } => exception.Message,
            IOException { InnerException.InnerException: SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } } =>
                $"{exception.Message.TrimEnd('.')}. Stop the program that listens there, or choose another port.",
            IOException or UnauthorizedAccessException => exception.Message,
            _ => null,
        };
}
