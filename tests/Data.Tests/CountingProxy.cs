using System.Net;
using System.Net.Sockets;

namespace Platform.Data.Tests;

/// <summary>
/// Stands between Npgsql and PostgreSQL and counts round trips: how often the client speaks after the server did. The outbox relay, which
/// looks for work by itself, is left out.
/// </summary>
public sealed class CountingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Conversation> _conversations = [];
    private readonly List<Task> _running = [];

    public int RoundTrips
    {
        get
        {
            lock (_conversations)
            {
                return _conversations.Where(conversation => !conversation.IsRelay).Sum(conversation => conversation.RoundTrips);
            }
        }
    }

    /// <summary>The port that it listens on.</summary>
    public int Start(string host, int port)
    {
        _listener.Start();
        _running.Add(AcceptAsync(host, port));
        return ((IPEndPoint)_listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task AcceptAsync(string host, int port)
    {
        while (!_stopping.IsCancellationRequested)
        {
            var client = await _listener.AcceptSocketAsync(_stopping.Token);
            var server = host.StartsWith('/')
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp);
            await server.ConnectAsync(
                host.StartsWith('/') ? new UnixDomainSocketEndPoint($"{host}/.s.PGSQL.{port}") : new DnsEndPoint(host, port),
                _stopping.Token
            );
            (client.NoDelay, server.NoDelay) = (true, host.StartsWith('/') ? server.NoDelay : true);
            var conversation = new Conversation();
            lock (_conversations)
            {
                _conversations.Add(conversation);
            }

            _running.Add(PumpAsync(client, server, conversation.ClientSpoke));
            _running.Add(PumpAsync(server, client, _ => conversation.ServerSpoke()));
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Action<ReadOnlyMemory<byte>> seen)
    {
        using (from)
        {
            var buffer = new byte[64 * 1024];
            while (await from.ReceiveAsync(buffer, _stopping.Token) is > 0 and var count)
            {
                seen(buffer.AsMemory(0, count));
                await to.SendAsync(buffer.AsMemory(0, count), _stopping.Token);
            }
        }
    }

    private sealed class Conversation
    {
        private bool _serverSpokeLast = true;

        public bool IsRelay { get; private set; }

        public int RoundTrips { get; private set; }

        public void ClientSpoke(ReadOnlyMemory<byte> said)
        {
            IsRelay |= said.Span.IndexOf("pg_try_advisory_lock"u8) >= 0;
            RoundTrips += _serverSpokeLast ? 1 : 0;
            _serverSpokeLast = false;
        }

        public void ServerSpoke() => _serverSpokeLast = true;
    }
}
