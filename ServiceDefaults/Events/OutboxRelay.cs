using System.Data;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Npgsql;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.ServiceDefaults.Events;

/// <summary>Sends what the outbox holds to the bus.</summary>
internal interface IEventPublisher
{
    /// <summary>
    /// Returns once the broker has confirmed that the batch is stored in a queue. When the broker dies while a batch is under way, this may
    /// never return: it may neither fail nor react to its cancellation.
    /// </summary>
    Task PublishAsync(EventBatch batch, CancellationToken cancellationToken);

    /// <summary>Whether anybody follows this service, so that progress is told.</summary>
    bool TellsProgress { get; }

    /// <summary>Whoever does not follow at this moment never sees it.</summary>
    Task PublishAsync(OutboxProgress progress, CancellationToken cancellationToken);
}

/// <summary>
/// Sends unsent outbox rows in order. One leader per database. It looks for unsent rows instead of moving a cursor,
/// because positions are taken in another order than transactions commit. A crash between sending and marking sends again: consumers
/// drop what they know by event id.
/// </summary>
internal sealed class OutboxRelay(
    LeaderLoop leader,
    ServiceIdentity service,
    IEventPublisher publisher,
    OutboxSignal signal,
    OutboxState state,
    TimeProvider time
) : BackgroundService
{
    private const int BatchSize = 200;

    // Brokers refuse messages beyond 16 MiB, and one that is refused would hold up all events behind it. A larger event goes alone.
    private const int BatchBytes = 4 * 1024 * 1024;

    // Rows behind the bytes that fit are there without their envelope.
    private const string Unsent = """
        select day, position, case when total <= $2 or total = bytes then envelope end as envelope from (
            select day, position, envelope, bytes, sum(bytes) over (order by position) as total from (
                select day, position, envelope, octet_length(envelope) as bytes from platform.outbox where sent_at is null
                order by position limit $1) next) sized
        order by position
        """;

    private const string Clock = "select clock_timestamp() as present";

    private const string MarkSent = """
        update platform.outbox o set sent_at = now() from unnest($1::date[], $2::bigint[]) as sent(day, position)
        where o.day = sent.day and o.position = sent.position
        """;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _gather = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _maintenance = TimeSpan.FromHours(1);
    private static readonly TimeSpan _tell = TimeSpan.FromSeconds(1);
    private static readonly Counter<long> _sent = PlatformMeter.Instance.CreateCounter<long>(
        "platform.outbox.sent",
        "{event}",
        "Events confirmed by the broker."
    );
    private static readonly Histogram<double> _lag = PlatformMeter.Instance.CreateHistogram<double>(
        "platform.outbox.lag",
        "s",
        "Age of an event when the broker confirmed it."
    );

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        leader.RunAsync("platform.outbox.relay", service.RelayRole, SendAsync, stoppingToken);

    private async Task SendAsync(LeaderSession session, CancellationToken cancellationToken)
    {
        var maintained = DateTimeOffset.MinValue;
        var told = DateTimeOffset.MinValue;
        while (true)
        {
            if (time.GetUtcNow() - maintained > _maintenance)
            {
                await session.ExecuteAsync("select platform.maintain_outbox()", cancellationToken);
                maintained = time.GetUtcNow();
            }

            // Asked before the rows are read: what had committed by then is among them.
            var completeTo =
                publisher.TellsProgress && time.GetUtcNow() - told >= _tell
                    ? await ClockAsync(session.Connection, cancellationToken)
                    : (DateTimeOffset?)null;
            var startedAt = time.GetTimestamp();
            if (!await SendBatchAsync(session.Connection, cancellationToken))
            {
                if (completeTo is { } complete)
                {
                    await PublishAsync(
                        token => publisher.PublishAsync(new OutboxProgress(service.Name, complete), token),
                        cancellationToken
                    );
                    told = time.GetUtcNow();
                }

                await signal.WaitAsync(_look, cancellationToken);
                await GatherAsync(startedAt, cancellationToken);
            }
        }
    }

    private static async Task<DateTimeOffset> ClockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var clock = new NpgsqlCommand(Clock, connection);
        await using var reader = await clock.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetFieldValue<DateTimeOffset>("present");
    }

    // Rows that follow soon after a batch wait for more rows: for the broker, the consumers and the disk, a message of one row costs as
    // much as a message of many. A row that comes after a pause is sent at once.
    private async Task GatherAsync(long startedAt, CancellationToken cancellationToken)
    {
        var left = _gather - time.GetElapsedTime(startedAt);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellationToken);
        }
    }

    /// <returns>Whether there may be more.</returns>
    private async Task<bool> SendBatchAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var rows = new List<(DateOnly Day, long Position, EventEnvelope Envelope)>();
        var isCut = false;
        await using (var unsent = new NpgsqlCommand(Unsent, connection))
        {
            unsent.Parameters.Add(new NpgsqlParameter { Value = BatchSize });
            unsent.Parameters.Add(new NpgsqlParameter { Value = BatchBytes });
            await using var reader = await unsent.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                if (reader.IsDBNull("envelope"))
                {
                    isCut = true;
                    break;
                }

                rows.Add(
                    (
                        reader.GetFieldValue<DateOnly>("day"),
                        reader.GetInt64("position"),
                        JsonSerializer.Deserialize<EventEnvelope>(reader.GetString("envelope"), EventJson.Options)!
                    )
                );
            }
        }

        if (rows.Count == 0)
        {
            return false;
        }

        // The trace of the change goes on through the broker: the batch continues the trace of its first event.
        ActivityContext.TryParse(rows[0].Envelope.Call.TraceParent, null, isRemote: true, out var parent);
        using (PlatformActivity.Source.StartActivity("outbox relay", ActivityKind.Producer, parent))
        {
            var sending = new EventBatch(service.Name, rows.ConvertAll(row => row.Envelope));
            await PublishAsync(token => publisher.PublishAsync(sending, token), cancellationToken);
        }

        await using var mark = new NpgsqlCommand(MarkSent, connection);
        mark.Parameters.Add(new NpgsqlParameter { Value = rows.ConvertAll(row => row.Day).ToArray() });
        mark.Parameters.Add(new NpgsqlParameter { Value = rows.ConvertAll(row => row.Position).ToArray() });
        await mark.ExecuteNonQueryAsync(cancellationToken);

        var now = time.GetUtcNow();
        _sent.Add(rows.Count);
        rows.ForEach(row => _lag.Record((now - row.Envelope.OccurredAt).TotalSeconds));
        return isCut || rows.Count == BatchSize;
    }

    // A batch that was given up is sent again, like one that a crash left unmarked.
    private async Task PublishAsync(Func<CancellationToken, Task> publish, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_patience, time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        state.Trying();
        try
        {
            await publish(giveUp.Token).WaitAsync(giveUp.Token);
            state.Confirmed();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The broker has not confirmed a batch of events within {_patience.TotalSeconds:0} seconds.");
        }
    }
}
