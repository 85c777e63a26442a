using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;

namespace Platform.Audit.Service.Trail;

/// <summary>Reads a stream as an answer shows it. The secret is no part of the query.</summary>
internal static class StreamView
{
    public const string Select = """
        select s.id, s.type, s.name, s.state, s.site, s.tags, s.secret_set_at, s.actions, s.delivered_through,
            greatest(coalesce(t.size, 0) - s.delivered_through, 0),
            (select e.recorded_at from audit.event e where e.sequence > s.delivered_through order by e.sequence limit 1),
            s.skipped, s.last_error, s.last_error_at, s.last_delivered_at, s.created_at, s.retry_at, s.url, s.previous_secret_until
        from audit.stream s left join audit.tree t on t.workspace_id = s.workspace_id
        """;

    public static AuditStream Read(NpgsqlDataReader row, DateTimeOffset now)
    {
        var stream = new AuditStream
        {
            Id = Ids.Format("str", row.GetGuid(0)),
            Type = row.GetString(1),
            Name = row.GetString(2),
            State = row.GetString(3),
            Destination = Destination(row, now),
            DeliveredThrough = row.GetInt64(8),
            LagEvents = row.GetInt64(9),
            Skipped = row.GetInt64(11),
            LastError = row.IsDBNull(12) ? "" : row.GetString(12),
            LastErrorAt = Time(row, 13),
            LastDeliveredAt = Time(row, 14),
            CreatedAt = Time(row, 15),
            NextRetryAt = Time(row, 16),
        };
        stream.Destination.Tags.AddRange((string[])row[5]);
        stream.Actions.AddRange((string[])row[7]);
        if (!row.IsDBNull(10))
        {
            stream.LagSeconds = Math.Max(0, Math.Round((now - row.GetFieldValue<DateTimeOffset>(10)).TotalSeconds, 1));
        }

        return stream;
    }

    private static StreamDestination Destination(NpgsqlDataReader row, DateTimeOffset now)
    {
        var secret = new SecretState { IsSet = true, SetAt = Time(row, 6) };
        return row.IsDBNull(17)
            ? new StreamDestination { Site = row.GetString(4), ApiKey = secret }
            : new StreamDestination
            {
                Url = row.GetString(17),
                Secret = secret,
                PreviousSecretUntil = row.IsDBNull(18) || row.GetFieldValue<DateTimeOffset>(18) <= now ? null : Time(row, 18),
            };
    }

    private static Timestamp? Time(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : Timestamp.FromDateTimeOffset(row.GetFieldValue<DateTimeOffset>(column));
}
