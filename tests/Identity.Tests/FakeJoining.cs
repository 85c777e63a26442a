using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;
using Platform.Directory.Contracts.V1;

namespace Platform.Identity.Tests;

/// <summary>
/// Directory's part in joining: forwards to a genuine directory in this process, which trusts another issuer, or knows no invitation.
/// </summary>
internal sealed class FakeJoining : Directory.Contracts.V1.Joining.JoiningBase
{
    /// <summary>The genuine directory; null: no link leads anywhere.</summary>
    public Directory.Contracts.V1.Joining.JoiningClient? Behind { get; set; }

    /// <summary>How identity calls the genuine directory.</summary>
    public Func<CallOptions> AsIdentity { get; set; } = () => default;

    /// <summary>Whether the directory answers; gets the request.</summary>
    public Func<object, bool> Answers { get; set; } = _ => true;

    /// <summary>What comes in the place of its answer.</summary>
    public StatusCode Failure { get; set; } = StatusCode.Unavailable;

    /// <summary>Whether an answer arrives, after the directory has done what was asked.</summary>
    public Func<OfferState, bool> Arrives { get; set; } = _ => true;

    public override Task<OfferResponse> FindOffer(FindOfferRequest request, ServerCallContext context) =>
        ForwardAsync(request, context, (directory, options) => directory.FindOfferAsync(request, options));

    public override Task<OfferResponse> AcceptOffer(AcceptOfferRequest request, ServerCallContext context) =>
        ForwardAsync(request, context, (directory, options) => directory.AcceptOfferAsync(request, options));

    private async Task<OfferResponse> ForwardAsync(
        object request,
        ServerCallContext context,
        Func<Directory.Contracts.V1.Joining.JoiningClient, CallOptions, AsyncUnaryCall<OfferResponse>> call
    )
    {
        if (!Answers(request))
        {
            throw new RpcException(new Status(Failure, "away"));
        }

        // Identity calls as itself, and for the directory alone.
        var assertion = new JsonWebToken(context.RequestHeaders.GetValue("authorization")!["Bearer ".Length..]);
        if (assertion.Subject != "service:identity" || !assertion.Audiences.SequenceEqual(["directory"]))
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, "not identity"));
        }

        if (Behind is null)
        {
            return new OfferResponse();
        }

        var answer = await call(Behind, AsIdentity());
        return answer.Offer is not { State: var state } || Arrives(state)
            ? answer
            : throw new RpcException(new Status(StatusCode.Unavailable, "lost"));
    }
}
