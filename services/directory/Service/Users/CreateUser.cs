using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Organizations;
using Platform.Directory.Service.Values;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    private const string InsertUser = """
        insert into directory.directory_user (id, email, first_name, last_name, external_id, metadata, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6::jsonb, $7, $7)
        """;

    public override Task<CreateUserResponse> CreateUser(CreateUserRequest request, ServerCallContext context)
    {
        var email = UserRules.Email(request.Email);
        var firstName = UserRules.Name(request.FirstName, "firstName");
        var lastName = UserRules.Name(request.LastName, "lastName");
        var externalId = OrganizationRules.ExternalId(request.ExternalId);
        var metadata = KeptMetadata.Serialize(KeptMetadata.Parse(request.Metadata, allowRemoval: false));
        return work.WriteAsync(context, async tx =>
        {
            var id = Ids.New();
            await tx.ExecuteAsync(InsertUser, id, email, firstName, lastName, externalId, metadata, tx.Now);
            var user = new User
            {
                Id = Ids.Format("usr", id),
                Email = email,
                FirstName = firstName,
                LastName = lastName,
                ExternalId = externalId ?? "",
                State = UserRow.Active,
                Metadata = KeptMetadata.ToJson(metadata),
                Version = 1,
                CreatedAt = Timestamp.FromDateTimeOffset(tx.Now),
                UpdatedAt = Timestamp.FromDateTimeOffset(tx.Now),
            };
            tx.Announce(new UserCreated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, user.Id, externalId), new Target("user", user.Id));
            return new CreateUserResponse { User = user };
        });
    }
}
