using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Joining;

internal sealed partial class JoiningService
{
    public override async Task<OfferResponse> FindOffer(FindOfferRequest request, ServerCallContext context)
    {
        if (await FindLinkAsync(request.Token, context.CancellationToken) is not { } link)
        {
            return new OfferResponse();
        }

        return await work.ReadAsync(
            OwnCall.In(link.Workspace, link.Environment),
            SessionSettings.Default,
            async reader => new OfferResponse
            {
                Offer =
                    !await reader.ReadAsync(context.CancellationToken) ? null
                    : link.Environment is null ? MemberAcceptance.Read(reader)
                    : UserAcceptance.Read(reader),
            },
            context.CancellationToken,
            new Statement(
                link.Environment is null ? MemberAcceptance.FindOffer : UserAcceptance.FindOffer,
                time.GetUtcNow(),
                link.Invitation
            )
        );
    }
}
