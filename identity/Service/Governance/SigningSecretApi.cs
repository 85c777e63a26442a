using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.Identity.Service.Assertions;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Governance;

/// <summary>The signing secrets of https audit streams. Audit owns them, decides by the member's role, and records who asked.</summary>
internal static class SigningSecretApi
{
    // A rotation waits for the destination.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    public static async Task<IResult> RevealAsync(
        HttpContext http,
        SigningSecrets.SigningSecretsClient audit,
        AssertionIssuer assertions,
        string stream
    )
    {
        var answer = await audit.RevealSigningSecretAsync(
            new RevealSigningSecretRequest { StreamId = stream },
            await OptionsAsync(http, assertions)
        );
        return Results.Json(Describe(answer.SigningSecret, null), GovernanceApi.Json);
    }

    /// <summary>
    /// Makes a new one. Whoever lost the answer reads it with a reveal: a second rotation would end the first secret's day.
    /// </summary>
    public static async Task<IResult> RotateAsync(
        HttpContext http,
        SigningSecrets.SigningSecretsClient audit,
        AssertionIssuer assertions,
        string stream
    )
    {
        var options = await OptionsAsync(http, assertions);
        try
        {
            var answer = await audit.RotateSigningSecretAsync(new RotateSigningSecretRequest { StreamId = stream }, options);
            return Results.Json(Describe(answer.SigningSecret, answer.Test.Result), GovernanceApi.Json);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable)
        {
            throw Problem.Of(
                StatusCode.Unavailable,
                Reasons.OutcomeUnknown,
                "The audit service gave no answer. The secret may have been rotated all the same.",
                "Read it first: its setAt says whether it was."
            );
        }
    }

    private static async Task<CallOptions> OptionsAsync(HttpContext http, AssertionIssuer assertions)
    {
        var caller = http.Caller();
        var call = caller.ToCall();
        var assertion = await assertions.IssueForMemberAsync(
            call.Caller,
            caller.Token.Subject,
            "audit",
            caller.Token.ExpiresAt,
            http.RequestAborted
        );
        return new CallOptions(
            new Metadata { { "authorization", $"Bearer {assertion}" }, { CallMetadata.CallId, call.CallId } },
            DateTime.UtcNow + _patience,
            http.RequestAborted
        );
    }

    private static object Describe(SigningSecret secret, string? test) =>
        new
        {
            streamId = secret.StreamId,
            name = secret.Name,
            url = secret.Url,
            secret = secret.Secret,
            setAt = Time(secret.SetAt),
            previousSecret = secret.PreviousUntil is null ? null : secret.PreviousSecret,
            previousUntil = Time(secret.PreviousUntil),
            test,
        };

    private static DateTimeOffset? Time(Timestamp? time) => time?.ToDateTimeOffset();
}
