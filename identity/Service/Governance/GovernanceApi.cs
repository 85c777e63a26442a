using System.Text.Json;
using System.Text.Json.Serialization;

namespace Platform.Identity.Service.Governance;

/// <summary>
/// The HTTP API behind the platform's own pages: what decides about agents is out of an agent's reach. It takes only access tokens of the
/// first-party client with an audience of its own.
/// </summary>
internal static class GovernanceApi
{
    public const string Audience = "platform-governance";
    public const string Client = "platform-governance";

    /// <summary>How JSON is read and written here: a member that nobody knows is refused, not ignored.</summary>
    public static JsonSerializerOptions Json { get; } =
        new(JsonSerializerDefaults.Web)
        {
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            Converters = { new StorableText() },
        };

    public static void MapGovernance(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/governance/v1")
            // Looked up for each request: a run that only migrates has no database to make it with.
            .AddEndpointFilter(
                (context, next) => context.HttpContext.RequestServices.GetRequiredService<GovernanceRefusals>().InvokeAsync(context, next)
            )
            .AddEndpointFilter<GovernanceGuard>();
        api.MapGet("/me", Me.Get);

        var workspace = api.MapGroup("/workspaces/{workspace}");
        workspace.MapGet("/personal-tokens", PersonalTokenApi.ListAsync);
        workspace.MapPost("/personal-tokens", PersonalTokenApi.CreateAsync).WithMetadata(new FreshSignIn());
        workspace.MapDelete("/personal-tokens/{token}", PersonalTokenApi.RevokeAsync);
        workspace.MapGet("/mcp-settings", McpSettingsApi.GetAsync);
        workspace.MapPut("/mcp-settings", McpSettingsApi.PutAsync).WithMetadata(new FreshSignIn());
        workspace.MapGet("/connected-apps", ConnectedAppApi.ListAsync);
        workspace.MapDelete("/connected-apps/{client}", ConnectedAppApi.RevokeAsync);
        workspace.MapGet("/audit-streams/{stream}/signing-secret", SigningSecretApi.RevealAsync).WithMetadata(new FreshSignIn());
        workspace.MapPost("/audit-streams/{stream}/signing-secret/rotate", SigningSecretApi.RotateAsync).WithMetadata(new FreshSignIn());
        api.MapDelete("/sessions/{session}", SessionApi.EndAsync);
    }
}
