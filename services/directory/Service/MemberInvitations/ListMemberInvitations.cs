using Grpc.Core;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Invitations;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.MemberInvitations;

internal sealed partial class MemberInvitationsService
{
    private const string FindPage = $"""
        select {MemberInvitationColumns.All} from directory.member_invitation i
        where ($3::uuid is null or i.id < $3) and ($4 = '' or {InvitationColumns.State} = $4)
        order by i.id desc limit $5
        """;

    public override Task<ListMemberInvitationsResponse> ListMemberInvitations(
        ListMemberInvitationsRequest request,
        ServerCallContext context
    )
    {
        var after = Paging.Cursor("minv", request.Cursor);
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        var call = context.Call();
        return work.ReadAsync(
            call,
            Paging.Settings,
            async reader =>
            {
                var response = new ListMemberInvitationsResponse { MailNotice = mail.Value.Notice };
                response.Page = await Paging.ReadAsync(
                    reader,
                    response.Invitations,
                    limit,
                    row => MemberInvitationColumns.Read(row),
                    invitation => invitation.Id
                );
                return response;
            },
            context.CancellationToken,
            new Statement(FindPage, time.GetUtcNow(), call.Caller.MemberId ?? Guid.Empty, after, request.State, limit + 1)
        );
    }
}
