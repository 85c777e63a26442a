using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Platform.Directory.Tests;

/// <summary>A mail server on loopback that takes every mail and hands it on as it came, unless a test wants it refused.</summary>
internal sealed class SmtpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<string, byte[], Task> _receive;
    private readonly Func<string, string?> _refuse;
    private readonly Task _listening;
    private int _connections;

    /// <param name="receive">Gets the recipient and the message.</param>
    /// <param name="refuse">Gets every command; what it answers goes back in place of the ordinary reply.</param>
    public SmtpServer(Func<string, byte[], Task> receive, Func<string, string?>? refuse = null)
    {
        (_receive, _refuse) = (receive, refuse ?? (_ => null));
        _listener.Start();
        _listening = ListenAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many there have been so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _listening;
        _stopping.Dispose();
    }

    private async Task ListenAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(client);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            client.NoDelay = true;
            var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            await using var writer = new StreamWriter(stream, Encoding.Latin1) { NewLine = "\r\n", AutoFlush = true };
            await writer.WriteLineAsync("220 ready");
            var recipients = new List<string>();
            while (await reader.ReadLineAsync(_stopping.Token) is { } line)
            {
                var reply = _refuse(line) ?? Reply(line, recipients);
                await writer.WriteLineAsync(reply);
                if (reply.StartsWith("354", StringComparison.Ordinal))
                {
                    var message = await ReadMessageAsync(reader);
                    foreach (var recipient in recipients)
                    {
                        await _receive(recipient, message);
                    }

                    await writer.WriteLineAsync("250 kept");
                }
                else if (reply.StartsWith("221", StringComparison.Ordinal))
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or SocketException)
        {
            // The other side went away, or this one is stopping.
        }
    }

    private static string Reply(string line, List<string> recipients)
    {
        var command = line.Split(' ', ':')[0].ToUpperInvariant();
        switch (command)
        {
            case "MAIL" or "RSET":
                recipients.Clear();
                return "250 ok";
            case "RCPT":
                var (from, to) = (line.IndexOf('<', StringComparison.Ordinal), line.IndexOf('>', StringComparison.Ordinal));
                recipients.Add(from >= 0 && to > from ? line[(from + 1)..to] : "");
                return "250 ok";
            case "DATA":
                return "354 go on";
            case "QUIT":
                return "221 bye";
            case "EHLO" or "HELO" or "NOOP":
                return "250 ok";
            default:
                return "502 not implemented";
        }
    }

    private async Task<byte[]> ReadMessageAsync(StreamReader reader)
    {
        var message = new StringBuilder();
        while (await reader.ReadLineAsync(_stopping.Token) is { } line && line != ".")
        {
            message.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return Encoding.Latin1.GetBytes(message.ToString());
    }
}
