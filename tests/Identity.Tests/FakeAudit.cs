using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;
using Platform.Audit.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Platform.Testing;

namespace Platform.Identity.Tests;

/// <summary>Audit as identity sees it: who may see which secret is in the assertion, and nowhere else.</summary>
public sealed class FakeAudit : SigningSecrets.SigningSecretsBase, IAsyncDisposable
{
    private readonly GrpcHost _host = new();

    /// <summary>The streams by workspace and id, with their secrets.</summary>
    internal ConcurrentDictionary<(string Workspace, string Stream), string> Secrets { get; } = new();

    /// <summary>The assertions that came with the calls.</summary>
    internal ConcurrentQueue<string> Assertions { get; } = new();

    internal bool IsAway { get; set; }

    internal string Url => _host.Url;

    internal Task StartAsync() => _host.Add(this).StartAsync();

    public override Task<RevealSigningSecretResponse> RevealSigningSecret(RevealSigningSecretRequest request, ServerCallContext context) =>
        Task.FromResult(new RevealSigningSecretResponse { SigningSecret = Find(request.StreamId, context) });

    public override Task<RotateSigningSecretResponse> RotateSigningSecret(RotateSigningSecretRequest request, ServerCallContext context)
    {
        var secret = Find(request.StreamId, context);
        (secret.PreviousSecret, secret.PreviousUntil, secret.Secret) = (
            secret.Secret,
            Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddDays(1)),
            "whsec_new"
        );
        return Task.FromResult(
            new RotateSigningSecretResponse
            {
                SigningSecret = secret,
                Test = new DestinationAnswer { Result = "accepted" },
            }
        );
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private SigningSecret Find(string stream, ServerCallContext context)
    {
        if (IsAway)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "away"));
        }

        var assertion = context.RequestHeaders.GetValue("authorization")!["Bearer ".Length..];
        Assertions.Enqueue(assertion);
        var claims = new JsonWebToken(assertion);
        if (!claims.Claims.Any(claim => claim is { Type: AssertionClaims.Permissions, Value: "audit:write" }))
        {
            throw Problem.PermissionDenied("audit:write");
        }

        return Secrets.TryGetValue((claims.GetClaim(AssertionClaims.Workspace).Value, stream), out var secret)
            ? new SigningSecret
            {
                StreamId = stream,
                Name = "to our SIEM",
                Url = "https://siem.example/",
                Secret = secret,
                SetAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch),
            }
            : throw Problem.NotFound("audit stream", stream);
    }
}
