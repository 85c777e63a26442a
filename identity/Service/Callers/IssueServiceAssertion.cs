using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Identity.Contracts.V1;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Callers;

internal sealed partial class CallersService
{
    [WithoutAssertion]
    public override async Task<IssueServiceAssertionResponse> IssueServiceAssertion(
        IssueServiceAssertionRequest request,
        ServerCallContext context
    )
    {
        if (!secrets.Accepts(request.Service, request.Secret))
        {
            throw Problem.Unauthenticated("No service of this name has this secret.");
        }

        if (request.Audience.Length == 0)
        {
            throw Problem.Invalid("audience", "is required", "Name the service that will be called.");
        }

        var assertion = await assertions.IssueForServiceAsync(
            request.Service,
            request.Audience,
            request.Workspace,
            request.OnBehalfOf,
            context.CancellationToken
        );
        return new IssueServiceAssertionResponse { Assertion = assertion.Text, ExpiresAt = assertion.ExpiresAt.ToTimestamp() };
    }
}
