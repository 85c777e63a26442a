using System.Data;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.Contracts;

namespace Platform.Audit.Service.Trail;

/// <summary>Reads a stream as an answer shows it. The secret is not part of the query.</summary>
internal static class StreamView
{
    public const string Select = $"""
        select s.id, s.type, s.name, s.state, s.site, s.tags, s.secret_set_at, s.actions, s.delivered_through,
            greatest(coalesce(t.size, 0) - s.delivered_through, 0) as lag_events,
            (select e.recorded_at from audit.event e where e.sequence > s.delivered_through order by e.sequence limit 1) as lags_since,
            s.skipped, s.last_error, s.last_error_at, s.last_delivered_at, s.created_at, s.retry_at, s.url, s.previous_secret_until,
            {StreamScope.Columns}
        from audit.stream s left join audit.tree t on t.workspace_id = s.workspace_id
        """;

    public static AuditStream Read(NpgsqlDataReader row, SinkSet sinks, DateTimeOffset now)
    {
        var stream = new AuditStream
        {
            Id = Ids.Format("str", row.GetGuid("id")),
            Type = row.GetString("type"),
            Name = row.GetString("name"),
            State = row.GetString("state"),
            Destination = Destination(row, sinks.Find(row.GetString("type")), now),
            DeliveredThrough = row.GetInt64("delivered_through"),
            LagEvents = row.GetInt64("lag_events"),
            Skipped = row.GetInt64("skipped"),
            LastError = Text(row, "last_error"),
            LastErrorAt = Time(row, "last_error_at"),
            LastDeliveredAt = Time(row, "last_delivered_at"),
            CreatedAt = Time(row, "created_at"),
            NextRetryAt = Time(row, "retry_at"),
        };
        var scope = StreamScope.Read(row);
        stream.AllEnvironments = scope.Environments is null;
        stream.EnvironmentIds.AddRange((scope.Environments ?? []).Select(environment => Ids.Format("env", environment)));
        stream.WorkspaceEvents = scope.WorkspaceEvents;
        stream.Destination.Tags.AddRange((string[])row["tags"]);
        stream.Actions.AddRange((string[])row["actions"]);
        if (!row.IsDBNull("lags_since"))
        {
            stream.LagSeconds = Math.Max(0, Math.Round((now - row.GetFieldValue<DateTimeOffset>("lags_since")).TotalSeconds, 1));
        }

        return stream;
    }

    // Whose the secret is, only a sink knows: without one, the answer says nothing about it.
    private static StreamDestination Destination(NpgsqlDataReader row, ISink? sink, DateTimeOffset now)
    {
        var destination = new StreamDestination { Site = Text(row, "site"), Url = Text(row, "url") };
        var secret = new SecretState { IsSet = true, SetAt = Time(row, "secret_set_at") };
        switch (sink?.IsSecretOurs)
        {
            case true:
                destination.Secret = secret;
                var until = Time(row, "previous_secret_until");
                destination.PreviousSecretUntil = until?.ToDateTimeOffset() > now ? until : null;
                break;
            case false:
                destination.ApiKey = secret;
                break;
        }

        return destination;
    }

    private static string Text(NpgsqlDataReader row, string column) => row.IsDBNull(column) ? "" : row.GetString(column);

    private static Timestamp? Time(NpgsqlDataReader row, string column) =>
        row.IsDBNull(column) ? null : Timestamp.FromDateTimeOffset(row.GetFieldValue<DateTimeOffset>(column));
}
