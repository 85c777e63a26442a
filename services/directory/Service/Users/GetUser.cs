using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Users;

internal sealed partial class UsersService
{
    private const string FindById = $"select {UserRow.Columns} from directory.directory_user u where u.id = $1";

    private const string FindByEmail = $"select {UserRow.Columns} from directory.directory_user u where u.email = $1";

    private const string FindByExternalId = $"select {UserRow.Columns} from directory.directory_user u where u.external_id = $1";

    public override Task<GetUserResponse> GetUser(GetUserRequest request, ServerCallContext context)
    {
        string[] keys = [request.UserId, request.Email, request.ExternalId];
        if (keys.Count(key => key.Length > 0) != 1)
        {
            throw Problem.Invalid("userId", "or email or externalId is needed, and only one of them", "Send exactly one of the three.");
        }

        var (sql, key, shown) =
            request.UserId.Length > 0 ? (FindById, (object)Ids.Parse("usr", request.UserId, "userId"), request.UserId)
            : request.Email.Length > 0 ? (FindByEmail, UserRules.Email(request.Email), $"with the address {request.Email}")
            : (FindByExternalId, request.ExternalId, $"with the external id {request.ExternalId}");
        return work.ReadAsync(context, sql, [key], async reader =>
            await reader.ReadAsync(context.CancellationToken)
                ? new GetUserResponse { User = UserRow.Read(reader) }
                : throw Problem.NotFound("user", shown)
        );
    }
}
