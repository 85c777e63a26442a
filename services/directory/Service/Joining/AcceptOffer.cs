using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Joining;

internal sealed partial class JoiningService
{
    public override async Task<OfferResponse> AcceptOffer(AcceptOfferRequest request, ServerCallContext context)
    {
        if (await FindLinkAsync(request.Token, context.CancellationToken) is not { } link)
        {
            return new OfferResponse();
        }

        // The directory acts by itself here: no member accepts, but whoever has read the mail.
        var (answer, _) = await work.WriteAsync(
            OwnCall.In(link.Workspace, link.Environment),
            async tx => new OfferResponse
            {
                Offer = await (
                    link.Environment is null
                        ? MemberAcceptance.AcceptAsync(tx, link.Invitation, request.Account, request.Name)
                        : UserAcceptance.AcceptAsync(tx, link.Invitation)
                ),
            },
            SessionSettings.Default,
            context.CancellationToken
        );
        return answer;
    }
}
