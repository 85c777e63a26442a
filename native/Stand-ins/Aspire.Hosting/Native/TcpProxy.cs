using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.Native;

/// <summary>One loopback port in front of the ports of several processes; connections go round.</summary>
internal sealed class TcpProxy : IDisposable
{
    private readonly TcpListener _listener;
    private readonly int[] _targets;
    private readonly CancellationTokenSource _stop = new();
    private int _next;

    public TcpProxy(int port, int[] targets)
    {
        _targets = targets;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _ = AcceptAsync();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var token = _stop.Token;
        try
        {
            while (true)
                _ = ForwardAsync(await _listener.AcceptTcpClientAsync(token), token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ForwardAsync(TcpClient client, CancellationToken token)
    {
        using (client)
        {
            try
            {
                using var server = await ConnectAsync(token);
                client.NoDelay = true;
                await Task.WhenAll(PumpAsync(client, server, token), PumpAsync(server, client, token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
                // Either side went away: closing the other tells it.
            }
        }
    }

    private async Task<TcpClient> ConnectAsync(CancellationToken token)
    {
        var first = (uint)Interlocked.Increment(ref _next);
        for (var i = 0; ; i++)
        {
            var server = new TcpClient { NoDelay = true };
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _targets[(first + i) % _targets.Length], token);
                return server;
            }
            catch (SocketException) when (i < _targets.Length - 1)
            {
                server.Dispose();
            }
            catch
            {
                server.Dispose();
                throw;
            }
        }
    }

    private static async Task PumpAsync(TcpClient from, TcpClient to, CancellationToken token)
    {
        await from.GetStream().CopyToAsync(to.GetStream(), token);
        to.Client.Shutdown(SocketShutdown.Send);
    }
}
