using System.Text;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>How the length of a body is told.</summary>
internal enum Framing
{
    Length,
    Chunked,

    /// <summary>The connection ends before the body does.</summary>
    CutLength,
    CutChunk,
    BadChunk,
}

/// <summary>A request as it goes over the wire.</summary>
/// <param name="Surface">What it is about, in a word or two: faults are told apart by it.</param>
/// <param name="Target">Path and query.</param>
/// <param name="IsKnown">Whether the request shows a token that works.</param>
internal sealed record Attempt(
    string Surface,
    string Method,
    string Target,
    IReadOnlyList<(string Name, string Value)> Headers,
    string? Body,
    Framing Framing = Framing.Length,
    bool IsKnown = false
)
{
    /// <summary>In texts, what stands for a byte that is no UTF-8.</summary>
    public const char BadByte = '\uf8ff';

    /// <summary>Whether the connection ends before the body does. Then nobody waits for an answer.</summary>
    public bool IsCut => Body is not null && (Framing is Framing.CutLength or Framing.CutChunk);

    /// <summary>Whether the trace id that every request is sent with is the only one.</summary>
    public bool KeepsTrace =>
        !Headers.Any(header => header.Name.Equals("traceparent", StringComparison.OrdinalIgnoreCase))
        && Body?.Contains("\"traceparent\":\"00-", StringComparison.Ordinal) != true;

    public byte[] ToBytes(Uri origin, string traceParent)
    {
        var body = Bytes(Body ?? "");
        var bytes = new MemoryStream();
        Write($"{Method} {Target} HTTP/1.1\r\nHost: {origin.Authority}\r\nConnection: close\r\ntraceparent: {traceParent}\r\n");
        foreach (var (name, value) in Headers)
        {
            Write($"{name}: {value}\r\n");
        }

        if (Body is not null)
        {
            var isChunked = Framing is Framing.Chunked or Framing.CutChunk or Framing.BadChunk;
            Write(
                isChunked
                    ? "Transfer-Encoding: chunked\r\n"
                    : $"Content-Length: {body.Length + (Framing == Framing.CutLength ? 10 : 0)}\r\n"
            );
        }

        Write("\r\n");
        switch (Framing)
        {
            case Framing.Chunked when body.Length > 0:
                Write($"{body.Length:x}\r\n");
                bytes.Write(body);
                Write("\r\n0\r\n\r\n");
                break;
            case Framing.Chunked:
                Write(Body is null ? "" : "0\r\n\r\n");
                break;
            case Framing.CutChunk:
                Write($"{body.Length + 10:x}\r\n");
                bytes.Write(body);
                break;
            case Framing.BadChunk:
                Write("zz\r\n");
                bytes.Write(body);
                break;
            default:
                bytes.Write(body);
                break;
        }

        return bytes.ToArray();

        void Write(string text) => bytes.Write(Bytes(text));
    }

    /// <summary>To read in a log, without tokens.</summary>
    public override string ToString()
    {
        var text = new StringBuilder($"{Method} {Target} [{Framing}]");
        foreach (var (name, value) in Headers)
        {
            text.Append($" | {name}: {(name == "Authorization" ? "…" : value)}");
        }

        text.Append($"\n      {Body}");
        return text.Length > 3000 ? text.ToString(0, 3000) + "…" : text.ToString();
    }

    private static byte[] Bytes(string text)
    {
        var bytes = new List<byte>(text.Length);
        foreach (var part in text.Split(BadByte))
        {
            bytes.AddRange(Encoding.UTF8.GetBytes(part));
            bytes.Add(0xff);
        }

        bytes.RemoveAt(bytes.Count - 1);
        return [.. bytes];
    }
}
