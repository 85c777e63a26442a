namespace Platform.Identity.Service.Governance;

internal static class Me
{
    /// <summary>The caller's workspaces, with its role in each environment.</summary>
    public static IResult Get(HttpContext http)
    {
        var caller = http.Caller();
        return Results.Json(
            new
            {
                subject = caller.Token.Subject,
                workspaces = caller.Memberships.Select(membership => new
                {
                    id = membership.WorkspaceId,
                    name = membership.WorkspaceName,
                    memberId = membership.MemberId,
                    email = membership.Email,
                    displayName = membership.DisplayName,
                    environments = membership.Environments.Select(environment => new
                    {
                        id = environment.EnvironmentId,
                        name = environment.Name,
                        kind = environment.Kind,
                        isDefault = environment.IsDefault,
                        role = environment.Role,
                    }),
                }),
            },
            GovernanceApi.Json
        );
    }
}
