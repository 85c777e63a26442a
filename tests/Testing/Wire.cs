using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Platform.Testing;

/// <summary>What came back, as far as it is HTTP/1.1.</summary>
/// <param name="Problem">Why it is no answer; null when it is one.</param>
public sealed record WireAnswer(int Status, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body, string? Problem = null)
{
    public static WireAnswer None(string problem) => new(0, [], [], problem);

    public string Header(string name) =>
        Headers.FirstOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value ?? "";
}

/// <summary>
/// One request on one connection, byte by byte as it was made: an HTTP client would refuse to send most of what is wrong, and would hide a
/// connection that ends without an answer.
/// </summary>
public static class Wire
{
    /// <param name="isCut">Whether the sender closes its half when it has sent this. A server may take that for the end.</param>
    public static async Task<WireAnswer> SendAsync(
        Uri origin,
        byte[] request,
        bool isCut,
        TimeSpan patience,
        CancellationToken cancellationToken
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        var received = new MemoryStream();
        try
        {
            using var connection = new TcpClient();
            await connection.ConnectAsync(origin.Host, origin.Port, limit.Token);
            var stream = connection.GetStream();
            try
            {
                await stream.WriteAsync(request, limit.Token);
                if (isCut)
                {
                    connection.Client.Shutdown(SocketShutdown.Send);
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                // The server may answer and close before it has read a body that it does not want.
            }

            await stream.CopyToAsync(received, limit.Token);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // What came before the end of the connection still counts.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return WireAnswer.None($"no answer within {patience.TotalSeconds:0} s");
        }

        return Read(received.ToArray());
    }

    private static WireAnswer Read(byte[] bytes)
    {
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return WireAnswer.None(bytes.Length == 0 ? "closed without an answer" : "closed within the headers");
        }

        var lines = Encoding.Latin1.GetString(bytes, 0, end).Split("\r\n");
        var status = lines[0].Split(' ');
        if (status.Length < 2 || !int.TryParse(status[1], NumberStyles.None, CultureInfo.InvariantCulture, out var code))
        {
            return WireAnswer.None("not HTTP");
        }

        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).Select(parts => (parts[0], parts[^1].Trim())).ToList();
        var answer = new WireAnswer(code, headers, bytes[(end + 4)..]);
        return answer.Header("Transfer-Encoding") == "chunked" ? Unchunked(answer)
            : int.TryParse(answer.Header("Content-Length"), out var length) && length > answer.Body.Length && code != 304
                ? answer with
                {
                    Problem = $"{answer.Body.Length} bytes of {length}",
                }
            : answer;
    }

    private static WireAnswer Unchunked(WireAnswer answer)
    {
        var body = new MemoryStream();
        var rest = answer.Body.AsSpan();
        while (true)
        {
            var line = rest.IndexOf("\r\n"u8);
            if (line < 0 || !int.TryParse(rest[..line], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var length))
            {
                return answer with { Problem = "a body that ends before its last chunk" };
            }

            if (length == 0)
            {
                return answer with { Body = body.ToArray() };
            }

            if (rest.Length < line + 2 + length + 2)
            {
                return answer with { Problem = "a chunk that ends early" };
            }

            body.Write(rest.Slice(line + 2, length));
            rest = rest[(line + 2 + length + 2)..];
        }
    }
}
