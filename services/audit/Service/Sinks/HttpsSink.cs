using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Platform.Audit.Contracts.V1;

namespace Platform.Audit.Service.Sinks;

/// <summary>
/// Any HTTPS endpoint, by Standard Webhooks
/// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
/// <c>{"type":"audit.entries","data":{"workspaceId","streamId","entries":[…]}}</c>, signed with HMAC-SHA256. The id is a digest of the
/// body, so that a request that is sent again is the same message.
/// </summary>
internal sealed class HttpsSink(SinkClient client, HttpsAddress addresses, TimeProvider time) : ISink
{
    private const string SignatureHeader = "webhook-signature";

    private const int Megabyte = 1_000_000;

    public string Type => "https";

    public AddressForm AddressForm => AddressForm.Url;

    public bool IsSecretOurs => true;

    public string FixOfRefusal => "Check the URL. Private networks are opened by the operator (Audit:Sinks:AllowedNetworks).";

    public int MaxEntries => 500;

    // Twice the largest entry; what is around the entries is small.
    public int MaxPayloadBytes => 2 * Megabyte;

    public int MaxEntryBytes => Megabyte;

    // Longer than any event can be ago: this destination takes all of them.
    public TimeSpan MaxAge => TimeSpan.FromDays(36_500);

    public NewDestination? Read(CreateAuditStreamRequest request) =>
        request.Https is { } https
            ? new NewDestination(
                CheckAddress(https.Url, "https.url"),
                https.Secret.Length == 0 ? null : CheckSecret(https.Secret, "https.secret"),
                []
            )
            : null;

    public string CheckAddress(string address, string field) => addresses.Check(address, field);

    public string CheckSecret(string secret, string field) => WebhookSecret.Check(secret, field);

    public byte[] Encode(Destination destination, OutgoingEvent happened) => SinkEntry.Write(happened.Body, json =>
        {
            json.WriteString("kind", "event");
            json.WriteString("occurredAt", happened.OccurredAt.UtcDateTime);
            SinkEntry.Describe(json, happened);
        });

    public byte[] Encode(Destination destination, OutgoingCheckpoint checkpoint) =>
        SinkEntry.Write(Encoding.UTF8.GetBytes(checkpoint.Body), json =>
        {
            json.WriteString("kind", "checkpoint");
            json.WriteString("occurredAt", checkpoint.MadeAt.UtcDateTime);
            SinkEntry.Describe(json, checkpoint);
        });

    public byte[] EncodeTest(Destination destination, string id, DateTimeOffset now) => SinkEntry.Write(SinkEntry.Test, json =>
        {
            json.WriteString("kind", "test");
            json.WriteString("occurredAt", now.UtcDateTime);
            json.WriteString("id", id);
        });

    public async Task<SinkAnswer> SendAsync(Destination destination, IReadOnlyList<byte[]> entries, CancellationToken cancellationToken)
    {
        var body = Write(destination, entries);
        var id = "msg_" + Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16));
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Post, destination.Address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add(
            SignatureHeader,
            string.Join(' ', destination.Secrets.Select(secret => WebhookSecret.Sign(secret, id, timestamp, body)))
        );
        return await client.SendAsync(request, destination, Judge, cancellationToken);
    }

    // A redirect is not followed, and does not count as accepted. With 410 an endpoint asks for nothing more to be sent.
    private static SinkVerdict Judge(HttpStatusCode status) =>
        status switch
        {
            >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices => SinkVerdict.Accepted,
            HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity => SinkVerdict.Rejected,
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.Gone => SinkVerdict.Unauthorized,
            HttpStatusCode.RequestEntityTooLarge => SinkVerdict.TooLarge,
            _ => SinkVerdict.Retry,
        };

    private static byte[] Write(Destination destination, IReadOnlyList<byte[]> entries)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type", "audit.entries");
            json.WriteStartObject("data");
            json.WriteString("workspaceId", destination.WorkspaceId);
            json.WriteString("streamId", destination.StreamId);
            json.WriteStartArray("entries");
            foreach (var entry in entries)
            {
                json.WriteRawValue(entry, skipInputValidation: true);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return body.ToArray();
    }
}
