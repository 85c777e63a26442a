using System.Data;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    private const int ShownOrganizations = 20;

    // $2 is how many organizations are named.
    private const string CountWhatGoes = """
        select u.email, u.version,
            (select count(*) from directory.membership m where m.user_id = u.id)::int as memberships,
            array(select o.name from directory.membership m join directory.organization o on o.id = m.organization_id
                where m.user_id = u.id order by o.name, o.id limit $2) as organizations
        from directory.directory_user u where u.id = $1
        """;

    private const string Delete = "delete from directory.directory_user where id = $1";

    public override Task<DeleteUserResponse> DeleteUser(DeleteUserRequest request, ServerCallContext context)
    {
        var id = Ids.Parse("usr", request.UserId, "userId");
        return work.WriteAsync(context, async tx =>
        {
            // Memberships are written under a lock of their user as well, so the count holds until the commit.
            await tx.ExecuteAsync(LockUser, id);
            var found = await tx.QueryOneAsync(
                CountWhatGoes,
                row => new
                {
                    Email = row.GetString("email"),
                    Version = row.GetInt64("version"),
                    Memberships = row.GetInt32("memberships"),
                    Organizations = row.GetFieldValue<string[]>("organizations"),
                },
                id,
                ShownOrganizations
            ) ?? throw Problem.NotFound("user", request.UserId);

            await tx.ConfirmAsync(
                FormattableString.Invariant($"{found.Version}/{found.Memberships}"),
                new
                {
                    user = new { id = request.UserId, email = found.Email },
                    memberships = found.Memberships,
                    organizations = found.Organizations,
                    organizationsNotNamed = found.Memberships - found.Organizations.Length,
                }
            );
            await tx.ExecuteAsync(Delete, id);
            tx.Announce(
                new UserDeleted(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, request.UserId, found.Memberships),
                new Target("user", request.UserId)
            );
            return new DeleteUserResponse
            {
                Id = request.UserId,
                Deleted = new DeletedWithUser { Memberships = found.Memberships },
            };
        });
    }
}
