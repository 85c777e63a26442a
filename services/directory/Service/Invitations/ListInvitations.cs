using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Invitations;

internal sealed partial class InvitationsService
{
    private const string FindPage = $"""
        select {InvitationColumns.All} from directory.invitation i
        where ($2::uuid is null or i.id < $2)
            and ($3::uuid is null or i.organization_id = $3)
            and ($4 = '' or i.email = $4)
            and ($5 = '' or {InvitationColumns.State} = $5)
        order by i.id desc limit $6
        """;

    public override Task<ListInvitationsResponse> ListInvitations(ListInvitationsRequest request, ServerCallContext context)
    {
        var after = Paging.Cursor("inv", request.Cursor);
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        Guid? organization = request.OrganizationId.Length > 0 ? Ids.Parse("org", request.OrganizationId, "organizationId") : null;
        var email = "";
        if (request.Email.Length > 0 && !EmailAddress.TryNormalize(request.Email, out email, out var rule))
        {
            throw Problem.Invalid("email", rule, EmailAddress.Fix);
        }

        return work.ReadAsync(
            context.Call(),
            Paging.Settings,
            async reader =>
            {
                var response = new ListInvitationsResponse { MailNotice = mail.Value.Notice };
                response.Page = await Paging.ReadAsync(
                    reader,
                    response.Invitations,
                    limit,
                    row => InvitationColumns.Read(row),
                    invitation => invitation.Id
                );
                return response;
            },
            context.CancellationToken,
            new Statement(FindPage, time.GetUtcNow(), after, organization, email, request.State, limit + 1)
        );
    }
}
