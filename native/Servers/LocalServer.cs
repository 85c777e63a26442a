using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Platform.Native.Servers;

/// <summary>What all servers share. Every one listens on loopback only and keeps its files in its data directory.</summary>
public abstract record ServerOptions
{
    /// <summary>The only place that the server writes to. It is created when missing.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The port to listen on; null picks a free one.</summary>
    public int? Port { get; init; }

    /// <summary>Where the server's output goes besides <see cref="OnLine"/>; by default server.log in the data directory.</summary>
    public string? LogFile { get; init; }

    /// <summary>Receives every line that the server writes.</summary>
    public Action<string>? OnLine { get; init; }

    /// <summary>How long the server may take until it answers.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(90);
}

/// <summary>A running server that stops, with everything it started, when it is disposed or when this process ends.</summary>
public abstract class LocalServer : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private protected LocalServer(ChildProcess process, int port)
    {
        _process = process;
        Port = port;
    }

    public string Host { get; } = "127.0.0.1";

    public int Port { get; }

    /// <summary>The id of the process that does the work: killing it is what a crash looks like.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Completes with the exit code when the server has ended, for whatever reason.</summary>
    public Task<int> Exited => _process.Exited;

    public bool IsRunning => !_process.HasExited;

    /// <summary>The newest lines of the server's output, oldest first.</summary>
    public IReadOnlyList<string> LastOutput => _process.LastOutput;

    /// <summary>Stops the server in order, by SIGKILL at a deadline. May be called more than once.</summary>
    public Task StopAsync() => _process.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Starts a process and waits until <paramref name="isReady"/> says yes; starts again, on another port, when the chosen port was
    /// taken in between or a predecessor is still letting go of the data.
    /// </summary>
    private protected static async Task<(ChildProcess Process, int Port)> LaunchAsync(
        string name,
        ServerOptions options,
        Func<int, ChildProcessOptions> describe,
        Func<int, CancellationToken, Task<bool>> isReady,
        CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.StartTimeout);
        for (var attempt = 1; ; attempt++)
        {
            var port = options.Port ?? Ports.Free();
            var description = describe(port) with
            {
                OnLine = options.OnLine is { } onLine ? (line, _) => onLine(line) : null,
                LogFile = options.LogFile ?? Path.Combine(options.DataDirectory, "server.log"),
            };
            var process = await ChildProcess.StartAsync(description, deadline.Token);
            try
            {
                while (true)
                {
                    if (process.HasExited)
                        break;
                    if (await isReady(port, deadline.Token))
                        return (process, port);
                    await Task.Delay(50, deadline.Token);
                }
            }
            catch (OperationCanceledException)
            {
                await process.DisposeAsync();
                cancellationToken.ThrowIfCancellationRequested();
                throw new ServerStartException(name, $"it did not answer within {options.StartTimeout.TotalSeconds:0} s",
                    process.LastOutput);
            }
            catch
            {
                await process.DisposeAsync();
                throw;
            }

            var code = await process.Exited;
            await process.DisposeAsync();
            var portTaken = options.Port is null && Says(process, "address already in use", "eaddrinuse", "already in use");
            var stillHeld = Says(process, "still in use", "is another postmaster", "not_responding_nodes");
            if (attempt >= 20 || !(portTaken || stillHeld))
                throw new ServerStartException(name, $"it ended while starting, with exit code {code}", process.LastOutput);
            await Task.Delay(portTaken ? 10 : 500, deadline.Token);
        }
    }

    /// <summary>One request and the first bytes of its answer; empty when nothing listens or nothing is answered.</summary>
    private protected static async Task<byte[]> ExchangeAsync(int port, ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
            var stream = client.GetStream();
            await stream.WriteAsync(request, timeout.Token);
            var buffer = new byte[512];
            var length = await stream.ReadAsync(buffer, timeout.Token);
            return buffer[..length];
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return [];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [];
        }
    }

    private static bool Says(ChildProcess process, params string[] texts) =>
        process.LastOutput.Any(line => texts.Any(text => line.Contains(text, StringComparison.OrdinalIgnoreCase)));
}

/// <summary>Free loopback ports.</summary>
public static class Ports
{
    private static readonly HashSet<int> s_given = [];

    /// <summary>
    /// A port that nobody listens on and that this process was not given before. It lies below the range that the kernel takes for
    /// outgoing connections, so no client can occupy it before its server does.
    /// </summary>
    public static int Free()
    {
        for (var attempt = 0; attempt < 2_000; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(15_000, 32_000);
            lock (s_given)
            {
                if (!s_given.Contains(port) && IsFree(port))
                {
                    s_given.Add(port);
                    return port;
                }
            }
        }
        throw new InvalidOperationException("No free port between 15000 and 32000.");
    }

    /// <summary>Whether the port can be listened on now.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>Passwords that need no quoting in connection strings, URLs and shells.</summary>
public static class Passwords
{
    public static string Generate(int length = 22) =>
        RandomNumberGenerator.GetString("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", length);
}
