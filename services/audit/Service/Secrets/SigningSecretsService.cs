using System.Diagnostics;
using Grpc.Core;
using Npgsql;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Log;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Secrets;

/// <summary>
/// The signing secrets of https streams, for identity's governance API; one file per rpc. Identity's assertion names the member who asked:
/// what the edge holds for an agent's token names no service, and does not get in.
/// </summary>
[ServicesOnly("identity")]
internal sealed partial class SigningSecretsService(
    UnitOfWork work,
    StreamSecrets secrets,
    StreamChanges changes,
    Arrivals arrivals,
    LogSignal streamsChanged,
    TimeProvider time
) : SigningSecrets.SigningSecretsBase
{
    // As the tools that change a stream have it in their contract.
    private const string Permission = "audit:write";

    private const string FindSecret = """
        select name, coalesce(site, url), type, secret, secret_set_at,
            case when previous_secret_until > $2 then previous_secret end, previous_secret_until
        from audit.stream where id = $1
        """;

    /// <summary>Refuses, on record, whom the role does not let.</summary>
    private async Task AuthorizeAsync(ServerCallContext context, string action, string stream)
    {
        var call = context.Call();
        if (call.WorkspaceId == Guid.Empty || call.Caller.MemberId is null)
        {
            throw Problem.Unauthenticated("Secrets are for members: the assertion names none.");
        }

        if (!call.Caller.Permissions.Contains(Permission))
        {
            await RecordAsync(call, action, AuditOutcomes.Refused, "PERMISSION_DENIED", stream, context.CancellationToken);
            throw Problem.PermissionDenied(Permission);
        }
    }

    /// <summary>Returns once it is stored, so that nobody gets an answer that is not on record.</summary>
    private async Task RecordAsync(
        Call call,
        string action,
        string outcome,
        string? reason,
        string stream,
        CancellationToken cancellationToken
    ) =>
        await arrivals.StoreAsync(
            [
                new CanonicalEvent
                {
                    Id = Ids.New(),
                    WorkspaceId = call.WorkspaceId,
                    OccurredAt = time.GetUtcNow(),
                    Action = action,
                    Outcome = outcome,
                    Reason = reason,
                    Source = "audit",
                    Actor = new Actor("member", call.ActorId, call.Caller.Role, call.Caller.TokenId, call.Caller.ClientId),
                    Call = new CallInfo(
                        call.CallId,
                        "",
                        null,
                        Activity.Current?.Id,
                        [.. call.Caller.Permissions.Order(StringComparer.Ordinal)],
                        null
                    ),
                    Targets = [new Target("audit_stream", stream)],
                },
            ],
            cancellationToken
        );

    private SigningSecret Read(NpgsqlDataReader row, string stream)
    {
        if (row.GetString(2) != "https")
        {
            throw NothingSigns();
        }

        var secret = new SigningSecret
        {
            StreamId = stream,
            Name = row.GetString(0),
            Url = row.GetString(1),
            Secret = changes.Open((byte[])row[3]),
            SetAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(row.GetFieldValue<DateTimeOffset>(4)),
        };
        if (!row.IsDBNull(5) && secrets.TryOpen((byte[])row[5]) is { } previous)
        {
            secret.PreviousSecret = previous;
            secret.PreviousUntil = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(row.GetFieldValue<DateTimeOffset>(6));
        }

        return secret;
    }

    private static RpcException NothingSigns() =>
        Problem.Conflict(
            "NO_SIGNING_SECRET",
            "The stream goes to Datadog, where an API key signs in. It is shown nowhere.",
            "Set a new key with update_audit_stream."
        );
}
