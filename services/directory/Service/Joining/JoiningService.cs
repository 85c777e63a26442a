using System.Data;
using System.Security.Cryptography;
using System.Text;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Joining;

/// <summary>What identity asks and does for people who open an invitation's link, one file per rpc.</summary>
[ServicesOnly("identity")]
internal sealed partial class JoiningService(UnitOfWork work, TimeProvider time) : Contracts.V1.Joining.JoiningBase
{
    private const int TokenLength = 43;

    private const string FindLink =
        "select workspace_id, environment_id, invitation_id from directory.invitation_token where token_hash = $1";

    private static readonly SessionSettings _resolver = new(Role: "directory_resolver");

    private async Task<Link?> FindLinkAsync(string token, CancellationToken cancellationToken) =>
        token.Length != TokenLength
            ? null
            : await work.ReadAsync(
                OwnCall.In(Guid.Empty, null),
                _resolver,
                async reader =>
                    await reader.ReadAsync(cancellationToken)
                        ? new Link(
                            reader.GetGuid("workspace_id"),
                            reader.IsDBNull("environment_id") ? null : reader.GetGuid("environment_id"),
                            reader.GetGuid("invitation_id")
                        )
                        : null,
                cancellationToken,
                new Statement(FindLink, SHA256.HashData(Encoding.UTF8.GetBytes(token)))
            );

    /// <param name="Environment">Null for an invitation to the workspace itself.</param>
    private sealed record Link(Guid Workspace, Guid? Environment, Guid Invitation);
}
