using System.Data;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Members;

internal sealed partial class MembersService
{
    // In a workspace where the account is a member already, it does not become a second one.
    private const string FindUnbound = """
        select m.workspace_id, m.id from directory.member m
        where m.email = $1 and m.subject is null
            and not exists (select from directory.member other where other.workspace_id = m.workspace_id and other.subject = $2)
        order by m.workspace_id
        """;

    private const string Bind = "update directory.member set subject = $2 where id = $1 and subject is null";

    public override async Task<ResolveMemberResponse> BindSubject(BindSubjectRequest request, ServerCallContext context)
    {
        if (request.Subject.Length == 0 || request.VerifiedEmail.Length == 0)
        {
            throw Problem.Invalid("subject", "and verifiedEmail are both needed", "Send both.");
        }

        var call = context.Call();
        var unbound = await work.ReadAsync(
            call,
            _resolver,
            async reader =>
            {
                var found = new List<(Guid Workspace, Guid Member)>();
                while (await reader.ReadAsync(context.CancellationToken))
                {
                    found.Add((reader.GetGuid("workspace_id"), reader.GetGuid("id")));
                }

                return found;
            },
            context.CancellationToken,
            new Statement(FindUnbound, EmailAddress.NormalizeOrLower(request.VerifiedEmail), request.Subject)
        );

        // A transaction for each workspace, as row-level security wants it. Stopped halfway, the next sign-in goes on.
        foreach (var (workspace, member) in unbound)
        {
            await work.WriteAsync(
                Within(call, workspace),
                async tx =>
                {
                    if (await tx.ExecuteAsync(Bind, member, request.Subject) == 1)
                    {
                        var id = Ids.Format("mbr", member);
                        tx.Announce(
                            new MemberSubjectBound(tx.NewEventId(), workspace, tx.Now, id, request.Subject),
                            "member.bound",
                            new Target("member", id)
                        );
                    }

                    return new Empty();
                },
                SessionSettings.Default,
                context.CancellationToken
            );
        }

        return await ResolveAsync(_findBySubject, request.Subject, null, context);
    }

    private static Call Within(Call call, Guid workspace) =>
        new()
        {
            CallId = call.CallId,
            Caller = call.Caller with { WorkspaceId = workspace },
            Definition = null,
            Request = call.Request,
        };
}
