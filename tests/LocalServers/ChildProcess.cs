using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Platform.LocalServers;

/// <summary>What a child process runs, where, and how it is asked to stop.</summary>
internal sealed record ChildProcessOptions
{
    /// <summary>The name shown in errors.</summary>
    public required string Name { get; init; }

    public required string FileName { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public string? WorkingDirectory { get; init; }

    /// <summary>Variables added to (or, when null, removed from) the environment of this process.</summary>
    public IReadOnlyDictionary<string, string?> ExtraEnvironment { get; init; } = new Dictionary<string, string?>();

    /// <summary>The signal that asks for an orderly stop, without "SIG".</summary>
    public string StopSignal { get; init; } = "TERM";

    /// <summary>How long an orderly stop may take before SIGKILL.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Receives every output line; the flag says whether it came from standard error.</summary>
    public Action<string, bool>? OnLine { get; init; }
}

/// <summary>
/// A child process, with all its descendants, that cannot outlive this one: a small shell stands between the two and stops the child
/// as soon as the pipe from here closes, even when this process is killed.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    // PR_SET_PDEATHSIG straight from here would not do: it fires when the *thread* that forked ends, and a thread-pool thread may.
    // The shell has one thread, so for its own child the death signal is safe, and it holds when the shell itself is killed.
    // It is bash because sh drops variables whose names are none of its own, such as ConnectionStrings__my-db.
    // Non-interactive shells start background commands with SIGINT ignored, hence env --default-signal. The session of its own keeps
    // Ctrl-C in a terminal away from the child (the parent decides the order) and makes the whole tree one process group.
    private const string Guard = """
        grace=$1; signal=$2; shift 2
        exec 3<&0
        set -- setpriv --pdeathsig KILL "$@"
        env --default-signal=INT,QUIT setsid bash -c 'echo "pid $$"; exec "$@"' child "$@" </dev/null 3<&- &
        child=$!
        {
          read -r _ <&3
          kill -"$signal" "$child"
          end=$(( ${EPOCHREALTIME//[!0-9]/} + grace * 100000 ))
          while [ "${EPOCHREALTIME//[!0-9]/}" -lt "$end" ] && kill -0 "$child"; do sleep 0.1; done
          kill -s KILL -- -"$child"
        } >/dev/null 2>&1 &
        watcher=$!
        exec 3<&-
        trap 'kill -"$signal" "$child" 2>/dev/null' TERM
        while :; do
          { wait "$child"; code=$?; } 2>/dev/null
          kill -0 "$child" 2>/dev/null || break
        done
        kill "$watcher" 2>/dev/null
        kill -s KILL -- -"$child" 2>/dev/null
        exit "$code"
        """;

    private readonly Process _guard;
    private readonly ChildProcessOptions _options;
    private readonly LastLines _lines = new(60);
    private readonly TaskCompletionSource<int> _pid = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _stopRequested;

    private ChildProcess(ChildProcessOptions options)
    {
        _options = options;
        var start = new ProcessStartInfo("setsid")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = options.WorkingDirectory ?? "",
        };
        var grace = ((long)(options.StopGrace.TotalSeconds * 10)).ToString(CultureInfo.InvariantCulture);
        foreach (var argument in (string[])["bash", "-c", Guard, "guard", grace, options.StopSignal, options.FileName])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var argument in options.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in options.ExtraEnvironment)
        {
            start.Environment[name] = value;
        }

        _guard = new Process { StartInfo = start, EnableRaisingEvents = true };
        _guard.OutputDataReceived += (_, e) => Receive(e.Data, false);
        _guard.ErrorDataReceived += (_, e) => Receive(e.Data, true);
    }

    /// <summary>The process id of the child itself.</summary>
    public int Id { get; private set; }

    /// <summary>Completes with the exit code (128 + n after signal n) when the child and all it started are gone.</summary>
    public Task<int> Exited { get; private set; } = Task.FromResult(0);

    public bool HasExited => Exited.IsCompleted;

    /// <summary>The newest output lines, oldest first.</summary>
    public IReadOnlyList<string> LastOutput => _lines.Snapshot();

    /// <summary>Starts the child and returns once its process exists.</summary>
    public static async Task<ChildProcess> StartAsync(ChildProcessOptions options, CancellationToken cancellationToken = default)
    {
        var child = new ChildProcess(options);
        child._guard.Start();
        child._guard.BeginOutputReadLine();
        child._guard.BeginErrorReadLine();
        child.Exited = child.WaitAsync();
        await Task.WhenAny(child._pid.Task, child.Exited, Task.Delay(TimeSpan.FromSeconds(20), cancellationToken));
        if (!child._pid.Task.IsCompleted) // A short-lived child has told its id and is gone: which of the two was first says nothing.
        {
            await child.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            throw new ServerStartException(options.Name, "its process did not start", child.LastOutput);
        }
        child.Id = await child._pid.Task;
        return child;
    }

    /// <summary>Asks the child to stop, kills its whole tree at the deadline, and returns when nothing of it is left.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _stopRequested, 1) == 0 && !HasExited)
        {
            try
            {
                _guard.StandardInput.Close();
            }
            catch (IOException)
            {
                // The guard ended in the meantime.
            }
        }
        try
        {
            await Exited.WaitAsync(_options.StopGrace + TimeSpan.FromSeconds(4));
        }
        catch (TimeoutException)
        {
            Kill();
            await Exited.WaitAsync(TimeSpan.FromSeconds(4));
        }
    }

    /// <summary>Kills the child and its process group at once.</summary>
    public void Kill()
    {
        if (!HasExited && Id > 0)
        {
            _ = Signals.Send(-Id, Signals.Kill);
            _ = Signals.Send(Id, Signals.Kill);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _guard.Dispose();
    }

    private async Task<int> WaitAsync()
    {
        await _guard.WaitForExitAsync();
        return _guard.ExitCode;
    }

    private void Receive(string? line, bool isError)
    {
        if (line is null)
        {
            return;
        }

        if (
            !isError
            && !_pid.Task.IsCompleted
            && line.StartsWith("pid ", StringComparison.Ordinal)
            && int.TryParse(line.AsSpan(4), CultureInfo.InvariantCulture, out var pid)
        )
        {
            _pid.TrySetResult(pid);
            return;
        }
        _lines.Add(line);
        _options.OnLine?.Invoke(line, isError);
    }
}

/// <summary>POSIX signals by process id.</summary>
internal static class Signals
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>Sends a signal to a process, or with a negative id to a process group; false when there is none.</summary>
    public static bool Send(int processId, int signal) => NativeKill(processId, signal) == 0;

    /// <summary>Whether a process with this id exists and is not a zombie.</summary>
    public static bool IsAlive(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[(stat.LastIndexOf(')') + 2)] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeKill(int processId, int signal);
}

/// <summary>A bounded, thread-safe memory of output lines.</summary>
internal sealed class LastLines(int capacity)
{
    private readonly Queue<string> _lines = new(capacity);

    public void Add(string line)
    {
        lock (_lines)
        {
            if (_lines.Count == capacity)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
        }
    }

    public IReadOnlyList<string> Snapshot()
    {
        lock (_lines)
        {
            return [.. _lines];
        }
    }
}
