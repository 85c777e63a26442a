using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.PersonalTokens;
using Platform.Identity.Service.Workspaces;
using Platform.ServiceDefaults.State;
using Platform.Testing;

namespace Platform.Identity.Tests;

public sealed class WithoutKeycloakTests(WithoutKeycloakTests.Fixture identity) : IClassFixture<WithoutKeycloakTests.Fixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Personal_tokens_work_and_access_tokens_are_unknown()
    {
        var member = identity.Directory.Add(Roles.Editor);
        var secret = PersonalToken.Create();
        Assert.True(Ids.TryParse("wks", member.WorkspaceId, out var workspace));
        Assert.True(Ids.TryParse("mbr", member.MemberId, out var id));
        await identity
            .Get<UnitOfWork>()
            .WriteAsync(
                OwnCall.For(workspace),
                async tx =>
                {
                    await PersonalTokenWriter.CreateAsync(tx, id, "x", Scopes.All, tx.Now.AddDays(1), secret);
                    return new Google.Protobuf.WellKnownTypes.Empty();
                },
                SessionSettings.Default,
                Cancellation
            );
        Assert.Equal(Refusal.Unspecified, (await identity.ResolveAsync(secret)).Refusal);
        Assert.Equal(Refusal.UnknownToken, (await identity.ResolveAsync(identity.Forge.Sign("anybody", identity.Now))).Refusal);
        using var governance = identity.Governance(identity.Forge.SignForGovernance("anybody", identity.Now));
        Assert.Equal(401, (int)(await governance.GetAsync("me", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task The_service_is_degraded_and_not_unhealthy()
    {
        var report = await identity
            .Get<HealthCheckService>()
            .CheckHealthAsync(check => check.Name is "keycloak" or "database" or "self", Cancellation);
        Assert.Equal(HealthStatus.Degraded, report.Status);
    }

    public sealed class Fixture(PostgresFixture postgres) : IdentityFixture(postgres)
    {
        protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
            base.Settings()
                .Where(setting => setting.Key != "Keycloak:Url")
                .Append(KeyValuePair.Create<string, string?>("Keycloak:Url", ""));
    }
}

public sealed class KeycloakAwayTests(KeycloakAwayTests.Fixture identity) : IClassFixture<KeycloakAwayTests.Fixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_an_answer_a_sign_in_is_unavailable_and_nothing_is_let_in()
    {
        identity.Directory.Add(Roles.Owner, subject: "somebody");
        var problem = await Assert.ThrowsAsync<Grpc.Core.RpcException>(() =>
            identity.ResolveAsync(identity.Forge.Sign("somebody", identity.Now))
        );
        Assert.Equal(Grpc.Core.StatusCode.Unavailable, problem.StatusCode);
        using var governance = identity.Governance(identity.Forge.SignForGovernance("somebody", identity.Now));
        using var response = await governance.GetAsync("me", Cancellation);
        Assert.Equal(
            (503, "UNAVAILABLE"),
            ((int)response.StatusCode, (string)(await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["reason"]!)
        );
    }

    public sealed class Fixture(PostgresFixture postgres) : IdentityFixture(postgres)
    {
        protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
            base.Settings()
                .Where(setting => setting.Key != "Keycloak:Url")
                .Append(KeyValuePair.Create<string, string?>("Keycloak:Url", "http://127.0.0.1:1"));
    }
}
