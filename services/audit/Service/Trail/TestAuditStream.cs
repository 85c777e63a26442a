using System.Data;
using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    private const string OpenStream = """
        select type, coalesce(site, url) as address, secret, tags, delivered_through,
            case when previous_secret_until > $2 then previous_secret end as previous_secret
        from audit.stream where id = $1
        """;

    public override async Task<TestAuditStreamResponse> TestAuditStream(TestAuditStreamRequest request, ServerCallContext context)
    {
        var id = StreamChanges.Parse(request.StreamId);
        var tested = await work.WriteAsync(context, async tx =>
        {
            await StreamScope.RequireAsync(tx, request.StreamId);
            var workspace = Ids.Format("wks", tx.Call.WorkspaceId);
            var stream = await tx.QueryOneAsync(
                OpenStream,
                row => new OpenedStream(
                    row.GetString("type"),
                    new Destination(
                        row.GetString("address"),
                        changes.Open((byte[])row["secret"]),
                        row.IsDBNull("previous_secret") ? null : secrets.TryOpen((byte[])row["previous_secret"]),
                        (string[])row["tags"],
                        request.StreamId,
                        workspace
                    ),
                    row.GetInt64("delivered_through")
                ),
                id,
                tx.Now
            ) ?? throw Problem.NotFound("audit stream", request.StreamId);
            var test = await changes.AskDestinationAsync(tx.Call, sinks.Of(stream.Type), stream.Destination, isNew: false, tx.Cancellation);
            int? status = test.HasStatus ? test.Status : null;
            tx.Announce(
                new AuditStreamTested(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.StreamId, test.Result, status),
                new Target("audit_stream", request.StreamId)
            );
            if (test.Result == "accepted")
            {
                await StreamChanges.ReviveAsync(tx, id, stream.DeliveredThrough);
            }

            var answer = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, sinks, tx.Now), id);
            return new TestAuditStreamResponse { Test = test, Stream = answer };
        });
        streamsChanged.Set();
        return tested;
    }

    private sealed record OpenedStream(string Type, Destination Destination, long DeliveredThrough);
}
