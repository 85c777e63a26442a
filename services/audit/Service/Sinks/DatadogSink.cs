using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Platform.Audit.Contracts.V1;

namespace Platform.Audit.Service.Sinks;

/// <summary>
/// Datadog's logs intake, version 2 (https://docs.datadoghq.com/api/latest/logs/#send-logs). <c>message</c> is the event in the exact bytes
/// that the log hashed, so that the receiver can check them against a checkpoint; the attributes beside it are for searching.
/// </summary>
internal sealed class DatadogSink(SinkClient client, IOptions<SinkOptions> options) : ISink
{
    private const string KeyHeader = "DD-API-KEY";

    private const string Source = "platform-audit";
    private const string Service = "platform";

    // The intake reads megabytes as powers of ten or two: the smaller one is safe.
    private const int Megabyte = 1_000_000;

    public string Type => "datadog";

    public AddressForm AddressForm => AddressForm.Site;

    public bool IsSecretOurs => false;

    public string FixOfRefusal => "Check that the key is an API key (not an application key) of this site.";

    public int MaxEntries => 1000;

    public int MaxPayloadBytes => 5 * Megabyte;

    public int MaxEntryBytes => Megabyte;

    // Datadog takes 18 h; the margin is for the transport and for clocks.
    public TimeSpan MaxAge => TimeSpan.FromHours(18) - TimeSpan.FromMinutes(5);

    public NewDestination? Read(CreateAuditStreamRequest request) =>
        request.Datadog is { } datadog ? new NewDestination(datadog.Site, datadog.ApiKey, datadog.Tags) : null;

    public byte[] Encode(Destination destination, OutgoingEvent happened) =>
        Write(destination, "event", happened.OccurredAt, happened.Body, json => SinkEntry.Describe(json, happened));

    public byte[] Encode(Destination destination, OutgoingCheckpoint checkpoint) =>
        Write(destination, "checkpoint", checkpoint.MadeAt, Encoding.UTF8.GetBytes(checkpoint.Body), json =>
            SinkEntry.Describe(json, checkpoint)
        );

    public byte[] EncodeTest(Destination destination, string id, DateTimeOffset now) =>
        Write(destination, "test", now, SinkEntry.Test.ToArray(), json => json.WriteString("id", id));

    public async Task<SinkAnswer> SendAsync(Destination destination, IReadOnlyList<byte[]> entries, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri(options.Value.DatadogAddress(destination.Address), "/api/v2/logs")
        )
        {
            Content = Compress(entries),
        };
        request.Headers.TryAddWithoutValidation(KeyHeader, destination.Secret);
        return await client.SendAsync(request, destination, Judge, cancellationToken);
    }

    // Only 202 says that Datadog has accepted the entries. Every other answer that may be temporary is tried again.
    private static SinkVerdict Judge(HttpStatusCode status) =>
        status switch
        {
            HttpStatusCode.Accepted => SinkVerdict.Accepted,
            HttpStatusCode.BadRequest => SinkVerdict.Rejected,
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => SinkVerdict.Unauthorized,
            HttpStatusCode.RequestEntityTooLarge => SinkVerdict.TooLarge,
            _ => SinkVerdict.Retry,
        };

    private static byte[] Write(
        Destination destination,
        string kind,
        DateTimeOffset at,
        byte[] message,
        Action<Utf8JsonWriter> attributes
    ) => SinkEntry.Write(message, json =>
        {
            json.WriteString("ddsource", Source);
            json.WriteString("service", Service);
            json.WriteString("ddtags", string.Join(',', destination.Tags.Prepend($"workspace:{destination.WorkspaceId}")));
            json.WriteNumber("timestamp", at.ToUnixTimeMilliseconds());
            json.WriteString("kind", kind);
            json.WriteString("workspaceId", destination.WorkspaceId);
            json.WriteString("streamId", destination.StreamId);
            attributes(json);
        });

    private static ByteArrayContent Compress(IReadOnlyList<byte[]> entries)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (var i = 0; i < entries.Count; i++)
            {
                gzip.WriteByte((byte)(i == 0 ? '[' : ','));
                gzip.Write(entries[i]);
            }

            gzip.WriteByte((byte)']');
        }

        var content = new ByteArrayContent(compressed.GetBuffer(), 0, (int)compressed.Length);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add("gzip");
        return content;
    }
}
