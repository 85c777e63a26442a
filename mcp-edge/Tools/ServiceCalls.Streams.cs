using System.Text.Json;
using Grpc.Core;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Tools;

internal sealed partial class ServiceCalls
{
    /// <summary>
    /// Reads a stream to its end: the last message is the answer, and those before it tell how far the call is. A client that named a
    /// progress token hears of them as they come; to others the answer comes whole.
    /// </summary>
    private static async Task<PooledBuffer> ReadStreamAsync(
        AsyncServerStreamingCall<PooledBuffer> sent,
        RequestContext<CallToolRequestParams>? request,
        CancellationToken cancellationToken
    )
    {
        PooledBuffer? last = null;
        try
        {
            while (await sent.ResponseStream.MoveNext(cancellationToken))
            {
                last?.Dispose();
                last = sent.ResponseStream.Current;
                if (request is { Params.ProgressToken: { } token } && ProgressOf(last) is { } progress)
                {
                    await request.Server.NotifyProgressAsync(token, progress, cancellationToken: cancellationToken);
                }
            }
            return last ?? throw new InvalidOperationException("The stream ended without an answer.");
        }
        catch
        {
            last?.Dispose();
            throw;
        }
    }

    /// <summary>Null for the answer, which carries no progress.</summary>
    private static ProgressNotificationValue? ProgressOf(PooledBuffer message)
    {
        var reader = new Utf8JsonReader(message.WrittenSpan);
        if (!reader.Read() || !reader.Read() || !reader.ValueTextEquals("progress"u8))
        {
            return null;
        }

        reader.Read();
        var progress = JsonElement.ParseValue(ref reader);
        return new ProgressNotificationValue
        {
            Progress = (float)progress.GetProperty("done"u8).GetDouble(),
            Total = progress.TryGetProperty("total"u8, out var total) ? (float)total.GetDouble() : null,
            Message = progress.TryGetProperty("what"u8, out var what) ? what.GetString() : null,
        };
    }
}
