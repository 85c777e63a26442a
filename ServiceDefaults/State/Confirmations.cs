using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>
/// The two halves of a destructive call. The service that owns the effect seals the confirmation. It is bound to the caller, to what makes
/// two calls the same, and to the state shown, and is used up in the transaction of the effect: of many concurrent uses one succeeds.
/// </summary>
public sealed class Confirmations(IDataProtectionProvider protection, TimeProvider time)
{
    private const string Use = """
        insert into platform.used_confirmation (workspace_id, id, expires_at)
        values (current_setting('platform.workspace_id')::uuid, $1, $2) on conflict do nothing
        """;

    // A preview is for people: what they wrote stands there as they wrote it.
    private static readonly JsonSerializerOptions _preview = new(EventJson.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly TimeSpan _lifetime = TimeSpan.FromMinutes(5);

    private readonly IDataProtector _protector = protection.CreateProtector("confirmation.v1");

    internal async Task ConfirmAsync(WriteTransaction unit, string fingerprint, object preview)
    {
        var call = unit.Call;
        if (call.DryRun || string.IsNullOrEmpty(call.Confirmation))
        {
            var expires = time.GetUtcNow() + _lifetime;
            throw Problem.ConfirmationRequired(
                Seal(new Sealed(Ids.New(), call.ActorId, call.Caller.TokenId, call.Tool, call.Digest(), fingerprint, expires)),
                expires,
                JsonSerializer.SerializeToUtf8Bytes(preview, _preview)
            );
        }

        if (OpenOf(call, call.Confirmation) is not { } confirmation)
        {
            throw Refused(
                Reasons.ConfirmationInvalid,
                "The confirmation was made for another call: caller, tool, arguments, environment and task must be the same."
            );
        }

        if (confirmation.Expires <= time.GetUtcNow())
        {
            throw Refused(Reasons.ConfirmationExpired, "The confirmation is older than 5 minutes.");
        }

        if (await UseAsync(unit, confirmation) == 0)
        {
            throw Refused(Reasons.ConfirmationUsed, "The confirmation was used or declined already.");
        }

        if (confirmation.Fingerprint != fingerprint)
        {
            throw Refused(Reasons.ConfirmationStale, "What would be destroyed has changed since the preview.");
        }
    }

    /// <summary>
    /// What a person has declined cannot be used afterwards, whoever has it: it counts as used. One that is used already, or that was made
    /// for another call, stays as it is.
    /// </summary>
    internal async Task DeclineAsync(WriteTransaction unit)
    {
        if (OpenOf(unit.Call, unit.Call.Declined!) is { } confirmation)
        {
            await UseAsync(unit, confirmation);
        }
    }

    private static Task<int> UseAsync(WriteTransaction unit, Sealed confirmation) =>
        unit.ExecuteAsync(Use, confirmation.Id, confirmation.Expires.UtcDateTime);

    // Null unless it was made for this call: caller, tool, arguments, environment and task.
    private Sealed? OpenOf(Call call, string text) =>
        Open(text) is { } confirmation
        && confirmation.Actor == call.ActorId
        && confirmation.Token == call.Caller.TokenId
        && confirmation.Tool == call.Tool
        && confirmation.Digest.AsSpan().SequenceEqual(call.Digest())
            ? confirmation
            : null;

    private static Grpc.Core.RpcException Refused(string reason, string message) =>
        Problem.Conflict(reason, message + " Nothing was changed.", "Repeat the call without a confirmation to see a new preview.");

    private string Seal(Sealed confirmation) =>
        WebEncoders.Base64UrlEncode(_protector.Protect(JsonSerializer.SerializeToUtf8Bytes(confirmation, EventJson.Options)));

    private Sealed? Open(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<Sealed>(_protector.Unprotect(WebEncoders.Base64UrlDecode(text)), EventJson.Options);
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException or JsonException)
        {
            return null;
        }
    }

    private sealed record Sealed(
        Guid Id,
        string Actor,
        string? Token,
        string Tool,
        byte[] Digest,
        string Fingerprint,
        DateTimeOffset Expires
    );
}
