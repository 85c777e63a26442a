using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Contracts;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string OpenStream = """
        select type, coalesce(site, url), secret, tags, delivered_through, case when previous_secret_until > $2 then previous_secret end
        from audit.stream where id = $1
        """;

    private const string Revive =
        "update audit.stream set state = 'active', failures = 0, retry_at = null where id = $1 and state = 'invalid'";

    private const string Hasten = "update audit.stream set retry_at = null where id = $1 and state = 'error'";

    public override async Task<TestAuditStreamResponse> TestAuditStream(TestAuditStreamRequest request, ServerCallContext context)
    {
        var id = ParseStream(request.StreamId);
        var tested = await work.WriteAsync(context, async tx =>
        {
            var workspace = Ids.Format("wks", tx.Call.WorkspaceId);
            var stream = await tx.QueryOneAsync(OpenStream, row => new OpenedStream(
                row.GetString(0),
                new Destination(row.GetString(1), OpenSecret((byte[])row[2]), row.IsDBNull(5) ? null : secrets.TryOpen((byte[])row[5]),
                    (string[])row[3], request.StreamId, workspace),
                row.GetInt64(4)), id, tx.Now)
                ?? throw Problem.NotFound("audit stream", request.StreamId);
            var test = await AskDestinationAsync(tx.Call, stream.Type, stream.Destination, tx.Cancellation);
            int? status = test.HasStatus ? test.Status : null;
            tx.Announce(new AuditStreamTested(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.StreamId, test.Result, status),
                new Target("audit_stream", request.StreamId));
            if (test.Result == "accepted")
            {
                await ReviveAsync(tx, id, request.StreamId, stream.DeliveredThrough);
            }

            var answer = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, tx.Now), id);
            return new TestAuditStreamResponse { Test = test, Stream = answer };
        });
        streamsChanged.Set();
        return tested;
    }

    private static Guid ParseStream(string id) =>
        Ids.TryParse("str", id, out var parsed) ? parsed : throw Problem.NotFound("audit stream", id);

    private string OpenSecret(byte[] secret) => secrets.TryOpen(secret) ?? throw Problem.Conflict(
        "SECRET_UNREADABLE", "The stored secret of the stream cannot be opened.", "Set a new one with update_audit_stream.");

    /// <summary>A retry that waits is due at once; a stream that the destination had refused goes on.</summary>
    private static async Task ReviveAsync(WriteTransaction tx, Guid id, string stream, long deliveredThrough)
    {
        await tx.ExecuteAsync(Hasten, id);
        if (await tx.ExecuteAsync(Revive, id) == 1)
        {
            tx.Announce(new AuditStreamResumed(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, stream, deliveredThrough),
                "audit_stream.resumed", new Target("audit_stream", stream));
        }
    }

    /// <summary>Sends one test entry. A dry run reaches nobody.</summary>
    private async Task<DestinationAnswer> AskDestinationAsync(
        Call call, string type, Destination destination, CancellationToken cancellationToken)
    {
        if (call.DryRun)
        {
            return new DestinationAnswer { Result = "untested", Message = "A dry run sends nothing." };
        }

        var sink = sinks.First(known => known.Type == type);
        var test = sink.EncodeTest(destination, Ids.Format("evt", Ids.New()), time.GetUtcNow());
        var said = await sink.SendAsync(destination, [test], cancellationToken);
        var answer = new DestinationAnswer
        {
            Result = said.Verdict switch
            {
                SinkVerdict.Accepted => "accepted",
                SinkVerdict.Retry => "unreachable",
                _ => "refused",
            },
            Message = said.Message,
        };
        if (said.Status is { } status)
        {
            answer.Status = status;
        }

        return answer;
    }

    private sealed record OpenedStream(string Type, Destination Destination, long DeliveredThrough);
}
