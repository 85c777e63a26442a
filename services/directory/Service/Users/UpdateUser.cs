using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Organizations;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    // By a statement of its own: what is read next must have begun when the lock is held.
    private const string LockUser = "select 1 from directory.directory_user where id = $1 for update";

    private const string ChangeUser = """
        update directory.directory_user set email = $2, first_name = $3, last_name = $4, external_id = $5, state = $6, metadata = $7::jsonb,
            version = version + 1, updated_at = $8
        where id = $1
        """;

    public override Task<UpdateUserResponse> UpdateUser(UpdateUserRequest request, ServerCallContext context)
    {
        var id = Ids.Parse("usr", request.UserId, "userId");
        KeptMetadata.CheckMode(request.Metadata, request.MetadataMode);
        return work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockUser, id);
            var user = await tx.QueryOneAsync(FindById, row => UserRow.Read(row), id) ?? throw Problem.NotFound("user", request.UserId);
            if (request.HasExpectedVersion && request.ExpectedVersion != user.Version)
            {
                throw Problem.Conflict(
                    Reasons.VersionConflict,
                    $"The user is at version {user.Version}, not {request.ExpectedVersion}: somebody changed it.",
                    "Get it again, then decide anew."
                );
            }

            var changed = Apply(request, user);
            if (changed.Count == 0)
            {
                return new UpdateUserResponse { User = user };
            }

            user.Version++;
            user.UpdatedAt = Timestamp.FromDateTimeOffset(tx.Now);
            await tx.ExecuteAsync(
                ChangeUser,
                id,
                user.Email,
                user.FirstName,
                user.LastName,
                user.ExternalId.Length == 0 ? null : user.ExternalId,
                user.State,
                user.Metadata.Utf8.ToStringUtf8(),
                tx.Now
            );
            tx.Announce(
                new UserUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, user.Id, user.Version, changed, user.State),
                new Target("user", user.Id)
            );
            return new UpdateUserResponse { User = user };
        });
    }

    /// <summary>Names what changed.</summary>
    private static List<string> Apply(UpdateUserRequest request, User user)
    {
        var before = user.Clone();
        user.Email = request.HasEmail ? UserRules.Email(request.Email) : user.Email;
        user.FirstName = request.HasFirstName ? UserRules.Name(request.FirstName, "firstName") : user.FirstName;
        user.LastName = request.HasLastName ? UserRules.Name(request.LastName, "lastName") : user.LastName;
        user.ExternalId = request.HasExternalId ? OrganizationRules.ExternalId(request.ExternalId) ?? "" : user.ExternalId;
        user.State = request.State.Length > 0 ? request.State : user.State;
        var changed = new List<string>();
        Note("email", before.Email, user.Email);
        Note("firstName", before.FirstName, user.FirstName);
        Note("lastName", before.LastName, user.LastName);
        Note("externalId", before.ExternalId, user.ExternalId);
        Note("state", before.State, user.State);
        if (request.Metadata is not null)
        {
            var metadata = KeptMetadata.Change(user.Metadata, request.Metadata, request.MetadataMode);
            changed.AddRange(metadata.Changes.Select(change => change.Field));
            user.Metadata = metadata.After;
        }

        return changed;

        void Note(string field, string was, string becomes)
        {
            if (was != becomes)
            {
                changed.Add(field);
            }
        }
    }
}
