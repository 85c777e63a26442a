using System.Data;
using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Log;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Secrets;

/// <summary>
/// The signing secrets of streams, for identity's governance API; one file per rpc. Identity's assertion names itself and the member who
/// asked. The edge's assertion for an agent's token names no service, so it is refused.
/// </summary>
[ServicesOnly("identity")]
internal sealed partial class SigningSecretsService(
    UnitOfWork work,
    StreamSecrets secrets,
    StreamChanges changes,
    SinkSet sinks,
    Arrivals arrivals,
    LogSignal streamsChanged,
    TimeProvider time
) : SigningSecrets.SigningSecretsBase
{
    // The same that the tools that change a stream need by their contract.
    private const string Permission = Scopes.AuditWrite;

    private const string FindSecret = """
        select name, coalesce(site, url) as address, type, secret, secret_set_at,
            case when previous_secret_until > $2 then previous_secret end as previous_secret, previous_secret_until
        from audit.stream where id = $1
        """;

    private const string FindScope = $"select {StreamScope.Columns} from audit.stream s where s.id = $1";

    /// <summary>Refuses a caller who may not change all that the stream carries, and records the refusal.</summary>
    private async Task AuthorizeAsync(ServerCallContext context, string action, string stream)
    {
        var call = context.Call();
        if (call.WorkspaceId == Guid.Empty || call.Caller.MemberId is null)
        {
            throw Problem.Unauthenticated("Secrets are for members: the assertion names none.");
        }

        try
        {
            // Whoever may change no stream at all does not hear whether this one exists.
            if (!call.Caller.Reach.With(Permission).Any())
            {
                throw Problem.PermissionDenied(Permission);
            }

            var scope = await work.ReadAsync(context, FindScope, [StreamChanges.Parse(stream)], async reader =>
                await reader.ReadAsync(context.CancellationToken)
                    ? StreamScope.Read(reader)
                    : throw Problem.NotFound("audit stream", stream)
            );
            scope.Require(call.Caller.Reach, Permission);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.PermissionDenied)
        {
            await RecordAsync(call, action, AuditOutcomes.Refused, Reasons.PermissionDenied, stream, context.CancellationToken);
            throw;
        }
    }

    /// <summary>Returns once it is stored, so that every answer is on record.</summary>
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
                    Action = AuditActions.Of(action, outcome),
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
        if (!sinks.Of(row.GetString("type")).IsSecretOurs)
        {
            throw NothingSigns();
        }

        var secret = new SigningSecret
        {
            StreamId = stream,
            Name = row.GetString("name"),
            Url = row.GetString("address"),
            Secret = changes.Open((byte[])row["secret"]),
            SetAt = Timestamp.FromDateTimeOffset(row.GetFieldValue<DateTimeOffset>("secret_set_at")),
        };
        if (!row.IsDBNull("previous_secret") && secrets.TryOpen((byte[])row["previous_secret"]) is { } previous)
        {
            secret.PreviousSecret = previous;
            secret.PreviousUntil = Timestamp.FromDateTimeOffset(row.GetFieldValue<DateTimeOffset>("previous_secret_until"));
        }

        return secret;
    }

    private static RpcException NothingSigns() =>
        Problem.Conflict(
            Reasons.NoSigningSecret,
            "The stream has a key that its destination gave out. It is never shown.",
            "Set a new key with update_audit_stream."
        );
}
