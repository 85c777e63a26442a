using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Workspaces;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.PersonalTokens;

/// <summary>Finds personal tokens across workspaces: before the token is known nobody knows the workspace.</summary>
internal sealed class PersonalTokenFinder(UnitOfWork work)
{
    private const string Find = $"""
        select {PersonalTokenRecord.Columns}, s.enabled, s.production_access, s.write_access, s.strict_audit
        from identity.personal_token t left join identity.mcp_settings s using (workspace_id)
        where t.hash = $1
        """;

    private static readonly SessionSettings _asResolver = new(Role: "identity_resolver");

    /// <summary>The token with the MCP settings of its workspace; no token when nobody has this one.</summary>
    public Task<(PersonalTokenRecord? Token, Switches Switches)> FindAsync(string token, CancellationToken cancellationToken) =>
        work.ReadAsync(
            OwnCall.For(Guid.Empty),
            _asResolver,
            async reader =>
                await reader.ReadAsync(cancellationToken)
                    ? (PersonalTokenRecord.Read(reader), McpSettings.Read(reader))
                    : (default(PersonalTokenRecord?), McpSettings.Default),
            cancellationToken,
            new Statement(Find, PersonalToken.Hash(token))
        );
}
