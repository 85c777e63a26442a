using System.Diagnostics;
using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Platform.LocalServers;

namespace Platform.EndToEnd.Tests;

/// <summary>The processes behind the resources of a running suite, to be killed, paused and started again.</summary>
internal sealed partial class SuiteProcesses(DistributedApplication app)
{
    private readonly ResourceNotificationService _notifications = app.Services.GetRequiredService<ResourceNotificationService>();

    /// <summary>SIGKILL to all processes of a resource. Starts it again by Aspire's command, and returns once it is healthy.</summary>
    public async Task KillAsync(string resource, CancellationToken cancellationToken)
    {
        await EndAsync(resource, cancellationToken);
        await StartAsync(resource, cancellationToken);
    }

    /// <summary>SIGKILL to all processes of a resource. Returns once it is known to have ended.</summary>
    public async Task EndAsync(string resource, CancellationToken cancellationToken)
    {
        var (_, killed) = await FindAsync(resource, cancellationToken);
        Send(killed, Signals.Kill);
        // The server shows in the state of its process.
        foreach (var ended in (string[])[ProcessName(resource), resource])
        {
            await _notifications.WaitForResourceAsync(ended, [.. KnownResourceStates.TerminalStates], cancellationToken);
        }
    }

    /// <summary>Starts a resource that has ended, and returns once it is healthy.</summary>
    public async Task StartAsync(string resource, CancellationToken cancellationToken)
    {
        var (id, ended) = await FindAsync(resource, cancellationToken);
        var started = await app.ResourceCommands.ExecuteCommandAsync(id, KnownResourceCommands.StartCommand, cancellationToken);
        if (!started.Success)
        {
            throw new InvalidOperationException($"{resource} did not start again: {started.Message}");
        }

        await _notifications.WaitForResourceAsync(
            ProcessName(resource),
            state => ProcessOf(state) is { } next && next != ended,
            cancellationToken
        );
        await _notifications.WaitForResourceHealthyAsync(resource, cancellationToken);
    }

    /// <summary>SIGSTOP to all processes of a resource, and SIGCONT after a while.</summary>
    public async Task PauseAsync(string resource, TimeSpan pause, CancellationToken cancellationToken)
    {
        var (_, paused) = await FindAsync(resource, cancellationToken);
        Send(paused, Signals.Stop);
        try
        {
            await Task.Delay(pause, cancellationToken);
        }
        finally
        {
            Send(paused, Signals.Continue);
        }
    }

    /// <summary>The first process of a resource, or the one that it had.</summary>
    public async Task<(string ResourceId, int Process)> FindAsync(string resource, CancellationToken cancellationToken)
    {
        var running = await _notifications.WaitForResourceAsync(
            ProcessName(resource),
            state => ProcessOf(state) is not null,
            cancellationToken
        );
        return (running.ResourceId, ProcessOf(running)!.Value);
    }

    /// <summary>The lines that a resource has written to its log, without colours.</summary>
    public async Task<IReadOnlyList<string>> LogAsync(string resource, CancellationToken cancellationToken)
    {
        var (id, _) = await FindAsync(resource, cancellationToken);
        var lines = new List<string>();
        var log = app.Services.GetRequiredService<ResourceLoggerService>();
        await foreach (var batch in log.GetAllAsync(id).WithCancellation(cancellationToken))
        {
            lines.AddRange(batch.Select(line => Colours().Replace(line.Content, "")));
        }

        return lines;
    }

    /// <summary>What the processes of a resource hold in memory, in bytes.</summary>
    public async Task<long> MemoryAsync(string resource, CancellationToken cancellationToken)
    {
        var (_, first) = await FindAsync(resource, cancellationToken);
        return Tree(first).Sum(id => Process.GetProcessById(id).WorkingSet64);
    }

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Colours();

    private static IReadOnlyList<int> Tree(int first) => [.. Processes.Below(first).Prepend(first)];

    private static void Send(int first, int signal)
    {
        foreach (var one in Tree(first))
        {
            Signals.Send(one, signal);
        }
    }

    // Where no container runtime is, the process of a server is a resource of its own.
    private string ProcessName(string resource) =>
        app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Any(known => known.Name == $"{resource}-process")
            ? $"{resource}-process"
            : resource;

    private static int? ProcessOf(ResourceEvent state) =>
        state.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value as int?;
}
