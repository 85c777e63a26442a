using System.Data;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Platform.Audit.Contracts;
using Platform.Audit.Service.Log;
using Platform.Contracts;
using Platform.ServiceDefaults.State;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Audit.Service.Sequencing;

/// <summary>
/// Numbers of an edge instance that are missing for a minute become events of the workspace's own log. How far an instance has counted is
/// known once it has ended and the next one has told it.
/// </summary>
internal sealed class CallGaps(NpgsqlDataSource database, Arrivals arrivals, TimeProvider time)
{
    private const string Missing = """
        select workspace_id, instance,
            int8multirange(int8range(1, greatest(upper(received), given + 1))) - received - reported as missing
        from audit.call_numbers
        where received + reported <> int8multirange(int8range(1, greatest(upper(received), given + 1))) and changed_at < $1
        for update skip locked limit 100
        """;

    private const string Report = "update audit.call_numbers set reported = reported + $3 where workspace_id = $1 and instance = $2";

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);
    private static readonly Counter<long> _missing = PlatformMeter.Instance.CreateCounter<long>(
        "platform.audit.missing_calls",
        "{record}",
        "Numbered call records that never arrived."
    );

    /// <summary>Stores an event for each gap; the gap is marked as reported in the same transaction.</summary>
    public async Task ReportAsync(CancellationToken cancellationToken)
    {
        var (events, missing) = await Transient.RepeatAsync(() => StoreAsync(cancellationToken), time, cancellationToken);
        if (events > 0)
        {
            arrivals.Stored(events, events);
            _missing.Add(missing);
        }
    }

    private async Task<(int Events, long Missing)> StoreAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var found = new List<(Guid Workspace, Guid Instance, NpgsqlRange<long>[] Missing)>();
        await using (var look = new NpgsqlBatch(connection, transaction))
        {
            look.Enter(AuditRoles.Intake);
            look.Add(Missing, (time.GetUtcNow() - _patience).UtcDateTime);
            await using var reader = await look.ReadAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                found.Add(
                    (reader.GetGuid("workspace_id"), reader.GetGuid("instance"), reader.GetFieldValue<NpgsqlRange<long>[]>("missing"))
                );
            }
        }

        if (found.Count == 0)
        {
            return (0, 0);
        }

        var events = found.SelectMany(gap => gap.Missing.Select(range => ToCanonical(gap.Workspace, gap.Instance, range))).ToList();
        await using var batch = new NpgsqlBatch(connection, transaction);
        Arrivals.AddTo(batch, events);
        foreach (var (workspace, instance, missing) in found)
        {
            batch.Add(Report, workspace, instance, new NpgsqlParameter { Value = missing, NpgsqlDbType = NpgsqlDbType.BigIntMultirange });
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (events.Count, found.Sum(gap => gap.Missing.Sum(range => range.UpperBound - range.LowerBound)));
    }

    // PostgreSQL gives ranges of integers with their upper bound excluded.
    private CanonicalEvent ToCanonical(Guid workspace, Guid instance, NpgsqlRange<long> range)
    {
        var gap = new AuditGapDetected(Ids.New(), workspace, time.GetUtcNow(), instance.ToString(), range.LowerBound, range.UpperBound - 1);
        return new CanonicalEvent
        {
            Id = gap.EventId,
            WorkspaceId = gap.WorkspaceId,
            OccurredAt = gap.OccurredAt,
            Action = "audit.gap_detected",
            Outcome = AuditOutcomes.Failed,
            Source = "audit",
            Type = nameof(AuditGapDetected),
            Actor = new Actor("service", "audit", null, null, null),
            Call = new CallInfo("", "", null, null, [], null),
            Targets = [new Target("edge_instance", gap.Instance)],
            Details = JsonSerializer.SerializeToElement(gap, EventJson.Options),
        };
    }
}
