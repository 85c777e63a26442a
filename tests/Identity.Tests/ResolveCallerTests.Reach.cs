using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Platform.Contracts;
using Platform.Identity.Contracts.V1;

namespace Platform.Identity.Tests;

public sealed partial class ResolveCallerTests
{
    [Theory]
    [InlineData(Roles.Admin, false, false, Roles.Admin, false)]
    [InlineData(Roles.Admin, true, false, Roles.Admin, true)]
    [InlineData(null, true, false, "", true)]
    [InlineData(Roles.Admin, true, true, "", true)]
    public async Task The_assertion_says_what_the_caller_may_do_in_every_environment(
        string? productionRole,
        bool productionAccess,
        bool onlySandbox,
        string role,
        bool isOpen
    )
    {
        var subject = Guid.NewGuid().ToString();
        var member = identity.Directory.Add(Roles.Editor, productionRole, subject);
        var manager = identity.Directory.Add(Roles.Owner, Roles.Owner, workspace: member.WorkspaceId);
        await PutSettingsAsync(manager, new { productionAccess });
        var request = new ResolveCallerRequest
        {
            AccessToken = identity.Forge.Sign(subject, identity.Now, "workspace:read audit:read"),
            Audiences = { "audit" },
            OnlyEnvironment = onlySandbox,
        };
        var response = await identity.Callers.ResolveCallerAsync(request, identity.AsTheEdge());
        var claim = new JsonWebToken(response.Assertions["audit"]).GetPayloadValue<JsonElement>("envs");
        Assert.Equal(
            [
                ("sandbox", Roles.Editor, "workspace:read", true),
                ("production", role, role.Length > 0 ? "audit:read workspace:read" : "", isOpen),
            ],
            claim
                .EnumerateArray()
                .Select(one =>
                    (
                        one.GetProperty("kind").GetString()!,
                        one.GetProperty("role").GetString()!,
                        string.Join(
                            ' ',
                            one.GetProperty("permissions").EnumerateArray().Select(permission => permission.GetString()).Order()
                        ),
                        one.GetProperty("isOpen").GetBoolean()
                    )
                )
        );
    }
}
