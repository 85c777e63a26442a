using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Platform.Audit.Tests;

/// <summary>Every line that the service logged at any level, with its scopes' and exceptions' text.</summary>
public sealed class CapturedLog : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose() { }

    private sealed class Logger(CapturedLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => log.Lines.Enqueue($"{category} {formatter(state, exception)} {exception}");
    }
}
