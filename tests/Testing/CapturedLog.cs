using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Platform.Testing;

/// <summary>Everything that was logged at any level, with exceptions.</summary>
public sealed class CapturedLog : ILoggerProvider
{
    public ConcurrentQueue<LogEntry> Entries { get; } = new();

    /// <summary>Each as <c>Error Category: text exception</c>.</summary>
    public IEnumerable<string> Lines => Entries.Select(entry => $"{entry.Level} {entry.Category}: {entry.Text} {entry.Exception}");

    public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName);

    public void Dispose() { }

    private sealed class Writer(CapturedLog log, string category) : ILogger
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
        ) => log.Entries.Enqueue(new LogEntry(logLevel, category, formatter(state, exception), exception));
    }
}

/// <summary>One call of a logger.</summary>
public sealed record LogEntry(LogLevel Level, string Category, string Text, Exception? Exception);
