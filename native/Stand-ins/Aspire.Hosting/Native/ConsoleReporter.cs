using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Native;

/// <summary>What a person sees: the state of each resource and its lines, each with the resource's name; with files beside it.</summary>
internal sealed class ConsoleReporter(
    NativeSettings settings,
    DistributedApplicationModel model,
    DistributedApplicationOptions options,
    ResourceLoggerService logs,
    ResourceNotificationService notifications,
    IHostApplicationLifetime lifetime,
    IHostEnvironment environment,
    ILoggerFactory loggers)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, StreamWriter> _files = new(StringComparer.OrdinalIgnoreCase);

    public void Announce()
    {
        Directory.CreateDirectory(settings.Logs);
        logs.LineWritten += OnLine;
        if (!settings.IsTesting)
        {
            Say("native", $"Native mode in the place of Aspire {ThisVersion()}: local processes instead of containers.");
            Say("native", $"Data {settings.Data}, logs {settings.Logs}");
        }
        _ = ReportStatesAsync();
    }

    /// <summary>A line of the orchestrator's own.</summary>
    public void Say(string name, string text)
    {
        if (settings.IsTesting)
            loggers.CreateLogger("Aspire.Hosting.Native").Log(LogLevel.Information, default, (name, text), null, (s, _) =>
                $"{s.name}: {s.text}");
        else
            Write(name, text);
    }

    private static string ThisVersion() => typeof(ConsoleReporter).Assembly.GetName().Version?.ToString(3) ?? "";

    private async Task ReportStatesAsync()
    {
        var known = new Dictionary<string, string>();
        try
        {
            await foreach (var change in notifications.WatchAsync(lifetime.ApplicationStopped))
            {
                if (change.Snapshot.IsHidden || change.Resource is ParameterResource || change.Snapshot.State is not { } state)
                    continue;
                var text = change.Snapshot.HealthStatus is { } health && state.Text == KnownResourceStates.Running
                    && change.Snapshot.HealthReports.Any(r => r.Status is not null)
                    ? $"{state.Text} ({health})"
                    : state.Text == KnownResourceStates.Exited ? $"{state.Text} ({change.Snapshot.ExitCode})" : state.Text;
                if (known.TryGetValue(change.ResourceId, out var previous) && previous == text)
                    continue;
                known[change.ResourceId] = text;
                var urls = state.Text == KnownResourceStates.Running ? string.Concat(change.Snapshot.Urls.Select(u => $" {u.Url}")) : "";
                if (!settings.IsTesting)
                    Write(change.Resource.Name, $"● {text}{urls}");
            }
        }
        catch (OperationCanceledException)
        {
            // The application has ended.
        }
    }

    private void OnLine(string name, LogLine line)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(name, out var file))
            {
                var path = Path.Combine(settings.Logs, $"{name}.log");
                _files[name] = file =
                    new StreamWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
            }
            file.WriteLine(line.Content);
        }
        if (options.EnableResourceLogging)
        {
            loggers.CreateLogger($"{environment.ApplicationName}.Resources.{name}")
                .Log(line.IsErrorMessage ? LogLevel.Error : LogLevel.Information, default, line.Content, null, (s, _) => s);
        }
        // Servers talk a lot about nothing; their lines are in the files.
        if (settings.Console == "all" && model.Resources.TryGetByName(name, out var resource) && resource is ProjectResource)
            Write(name, line.Content);
    }

    private void Write(string name, string text)
    {
        var width = Math.Min(24, model.Resources.Select(r => r.Name.Length).DefaultIfEmpty(8).Max());
        lock (_lock)
            Console.Out.WriteLine($"{name.PadRight(width)} | {text}");
    }
}
