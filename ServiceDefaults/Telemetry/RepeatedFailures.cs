using System.Collections;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Platform.ServiceDefaults.Telemetry;

/// <summary>
/// Keeps outages from filling disks, for every logger of the process, those of libraries included. The first failure of a kind is written;
/// what repeats it within a minute is counted, and the count is written when the minute is over. A stack is written only for what
/// <see cref="Foreseen"/> does not know. What has no exception may come ten times a minute, and a hundred times with other values: a
/// warning about one stream does not hide that about another.
/// </summary>
internal sealed class RepeatedFailures : ILoggerFactory
{
    private const int MaxKinds = 1000;
    private const int MaxAlike = 10;
    private const int MaxWithOtherValues = 100;

    private static readonly TimeSpan _interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(5);

    private readonly ILoggerFactory _loggers;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly Dictionary<Kind, Repeats> _kinds = [];

    internal RepeatedFailures(ILoggerFactory loggers, TimeProvider time)
    {
        (_loggers, _time) = (loggers, time);
        _timer = time.CreateTimer(_ => Tell(atEnd: false), null, _look, _look);
    }

    /// <summary>Puts itself before the loggers of the host.</summary>
    public static void AddTo(IServiceCollection services) =>
        services.Replace(
            ServiceDescriptor.Singleton<ILoggerFactory>(provider => new RepeatedFailures(
                new LoggerFactory(
                    provider.GetServices<ILoggerProvider>(),
                    provider.GetRequiredService<IOptionsMonitor<LoggerFilterOptions>>(),
                    provider.GetRequiredService<IOptions<LoggerFactoryOptions>>()
                ),
                provider.GetRequiredService<TimeProvider>()
            ))
        );

    public ILogger CreateLogger(string categoryName) => new Logger(this, _loggers.CreateLogger(categoryName), categoryName);

    public void AddProvider(ILoggerProvider provider) => _loggers.AddProvider(provider);

    public void Dispose()
    {
        _timer.Dispose();
        Tell(atEnd: true);
        _loggers.Dispose();
    }

    private bool HasRoom(Kind kind, int atMost)
    {
        lock (_lock)
        {
            return !_kinds.TryGetValue(kind, out var repeats) || repeats.Written < atMost;
        }
    }

    // True when it is to be written.
    private bool Count(Kind kind, ILogger logger, string line, int atMost)
    {
        lock (_lock)
        {
            if (!_kinds.TryGetValue(kind, out var repeats))
            {
                if (_kinds.Count >= MaxKinds)
                {
                    kind = kind with { Text = "" };
                }

                if (!_kinds.TryGetValue(kind, out repeats))
                {
                    _kinds.Add(kind, repeats = new Repeats(logger, line, _time.GetUtcNow()));
                }
            }

            if (repeats.Written < atMost)
            {
                repeats.Written++;
                return true;
            }

            repeats.Unwritten++;
            return false;
        }
    }

    private void Tell(bool atEnd)
    {
        var over = new List<(Kind Kind, Repeats Repeats, int Count, TimeSpan Time)>();
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            foreach (var (kind, repeats) in _kinds)
            {
                if (!atEnd && now - repeats.Since < _interval)
                {
                    continue;
                }

                if (repeats.Unwritten == 0)
                {
                    _kinds.Remove(kind);
                    continue;
                }

                // While a failure goes on, this line is the one of the next minute. Lines without an exception may differ, and begin anew.
                over.Add((kind, repeats, repeats.Unwritten, now - repeats.Since));
                (repeats.Unwritten, repeats.Since) = (0, now);
                repeats.Written = repeats.Written == 1 ? 1 : 0;
            }
        }

        foreach (var (kind, repeats, count, time) in over)
        {
            var line = new Line($"{repeats.Line} ({count} more of this kind in {time.TotalSeconds:0} s)", []);
            repeats.Logger.Log(kind.Level, kind.Event, line, null, Line.Format);
        }
    }

    private sealed record Kind(string Category, EventId Event, LogLevel Level, string Text);

    // Of one kind, since its minute began.
    private sealed class Repeats(ILogger logger, string line, DateTimeOffset since)
    {
        public ILogger Logger => logger;

        public string Line => line;

        public DateTimeOffset Since { get; set; } = since;

        public int Written { get; set; }

        public int Unwritten { get; set; }
    }

    // A line with the values that it was made from.
    private sealed class Line(string text, IReadOnlyList<KeyValuePair<string, object?>> values)
        : IReadOnlyList<KeyValuePair<string, object?>>
    {
        public static string Format(Line line, Exception? exception) => line.ToString();

        public int Count => values.Count;

        public KeyValuePair<string, object?> this[int index] => values[index];

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => values.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public override string ToString() => text;
    }

    private sealed class Logger(RepeatedFailures repeated, ILogger logger, string category) : ILogger
    {
        private const string Template = "{OriginalFormat}";

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => logger.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => logger.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (logLevel < LogLevel.Warning || !logger.IsEnabled(logLevel))
            {
                logger.Log(logLevel, eventId, state, exception, formatter);
                return;
            }

            var text = formatter(state, exception);
            var values = state as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
            var template = values.LastOrDefault(value => value.Key == Template).Value as string ?? text;
            if (exception is null)
            {
                // Its own count begins only while the template has room, so that a flood of values is one kind.
                var others = new Kind(category, eventId, logLevel, $"{template} …");
                var alike = new Kind(category, eventId, logLevel, text);
                if (
                    repeated.HasRoom(others, MaxWithOtherValues)
                        ? repeated.Count(alike, logger, text, MaxAlike) && repeated.Count(others, logger, text, MaxWithOtherValues)
                        : repeated.Count(others, logger, text, MaxWithOtherValues)
                )
                {
                    logger.Log(logLevel, eventId, state, exception, formatter);
                }
            }
            else if (Foreseen.IsForeseen(exception))
            {
                var line = $"{text}: {Foreseen.Describe(exception)}";
                if (repeated.Count(new Kind(category, eventId, logLevel, $"{template} {Foreseen.Kind(exception)}"), logger, line, 1))
                {
                    logger.Log(logLevel, eventId, new Line(line, values), null, Line.Format);
                }
            }
            else
            {
                // Where it was thrown tells two of them apart.
                var place = exception.StackTrace?.Split('\n', 2)[0] ?? "";
                var kind = new Kind(category, eventId, logLevel, $"{text} {Foreseen.Kind(exception)} {place}");
                if (repeated.Count(kind, logger, $"{text}: {Foreseen.Describe(exception)}", 1))
                {
                    logger.Log(logLevel, eventId, state, exception, formatter);
                }
            }
        }
    }
}
