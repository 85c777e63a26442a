using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

public readonly record struct LogSubscriber(string Name, bool AnySubscribers);

public class ResourceLoggerService : IDisposable
{
    private const int BacklogLines = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Log> _logs = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Sees every line of every resource.</summary>
    internal event Action<string, LogLine>? LineWritten;

    public ILogger GetLogger(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return GetLogger(resource.Name);
    }

    public ILogger GetLogger(string resourceName) => new LineLogger(this, resourceName);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return WatchAsync(resource.Name);
    }

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => ReadAsync(resourceName, true, default);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return GetAllAsync(resource.Name);
    }

    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName) => ReadAsync(resourceName, false, default);

    public void ClearBacklog(string resourceName)
    {
        lock (_lock)
            Find(resourceName).Backlog.Clear();
    }

    public void Complete(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        Complete(resource.Name);
    }

    public void Complete(string name)
    {
        lock (_lock)
        {
            foreach (var watcher in Find(name).Watchers)
                watcher.TryComplete();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var watcher in _logs.Values.SelectMany(l => l.Watchers))
                watcher.TryComplete();
        }
        GC.SuppressFinalize(this);
    }

    internal void Write(string resourceName, string content, bool isError)
    {
        LogLine line;
        lock (_lock)
        {
            var log = Find(resourceName);
            line = new LogLine(++log.Count, content, isError);
            if (log.Backlog.Count == BacklogLines)
                log.Backlog.Dequeue();
            log.Backlog.Enqueue(line);
            foreach (var watcher in log.Watchers)
                watcher.TryWrite(line);
        }
        LineWritten?.Invoke(resourceName, line);
    }

    private async IAsyncEnumerable<IReadOnlyList<LogLine>> ReadAsync(
        string resourceName, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateUnbounded<LogLine>();
        List<LogLine> backlog;
        lock (_lock)
        {
            backlog = [.. Find(resourceName).Backlog];
            if (follow)
                Find(resourceName).Watchers.Add(channel.Writer);
        }
        try
        {
            if (backlog.Count > 0)
                yield return backlog;
            while (follow && await channel.Reader.WaitToReadAsync(cancellationToken))
            {
                var lines = new List<LogLine>();
                while (channel.Reader.TryRead(out var line))
                    lines.Add(line);
                yield return lines;
            }
        }
        finally
        {
            lock (_lock)
                Find(resourceName).Watchers.Remove(channel.Writer);
        }
    }

    private Log Find(string resourceName)
    {
        if (!_logs.TryGetValue(resourceName, out var log))
            _logs[resourceName] = log = new Log();
        return log;
    }

    private sealed class Log
    {
        public int Count { get; set; }

        public Queue<LogLine> Backlog { get; } = new();

        public List<ChannelWriter<LogLine>> Watchers { get; } = [];
    }

    private sealed class LineLogger(ResourceLoggerService owner, string resourceName) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            var text = formatter(state, exception);
            if (exception is not null)
                text = $"{text} {exception.Message}";
            owner.Write(resourceName, text, logLevel >= LogLevel.Error);
        }
    }
}
