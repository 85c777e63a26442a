using System.Net.Http.Headers;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Platform.Identity.Tests;

/// <summary>Identity in process on a real database, with directory and realm that tests fill.</summary>
public class IdentityFixture(PostgresFixture postgres) : ServiceFixture<Program>(postgres, "identity")
{
    internal const string EdgeUrl = "http://127.0.0.1:9999/mcp";

    internal FakeDirectory Directory { get; } = new();

    internal FakeAudit Audit { get; } = new();

    internal TokenForge Forge { get; } = new();

    internal Callers.CallersClient Callers => new(Channel);

    internal DateTimeOffset Now => Clock.GetUtcNow();

    public override async ValueTask InitializeAsync()
    {
        await Directory.StartAsync();
        await Audit.StartAsync();
        await Forge.StartAsync();
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Directory.DisposeAsync();
        await Audit.DisposeAsync();
        await Forge.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
        new Dictionary<string, string?>
        {
            ["services:directory:grpc:0"] = Directory.Url,
            ["services:audit:grpc:0"] = Audit.Url,
            ["Keycloak:Url"] = Forge.Url,
            ["Keycloak:ClientSecret"] = "secret",
            ["Edge:PublicUrl"] = EdgeUrl,
            ["Services:audit:Secret"] = "audit's secret",
        };

    internal T Get<T>()
        where T : class => Services.GetRequiredService<T>();

    /// <summary>The governance API with a token, or with none.</summary>
    internal HttpClient Governance(string? token)
    {
        var http = CreateHttpClient();
        http.BaseAddress = new Uri(http.BaseAddress!, "/governance/v1/");
        http.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    /// <summary>The governance API as the person who is bound to a member.</summary>
    internal HttpClient GovernanceOf(Membership member)
    {
        var subject = Guid.NewGuid().ToString();
        Directory.Bound[subject] = [member.MemberId];
        return Governance(Forge.SignForGovernance(subject, Now));
    }

    /// <summary>What the edge shows, at whatever time it is here.</summary>
    internal CallOptions AsTheEdge() =>
        new(new Metadata { { "authorization", $"Bearer {Issuer.Issue(TestCaller.AsService("edge"), "identity", Now.AddHours(1))}" } });

    internal async Task<ResolveCallerResponse> ResolveAsync(
        string credential,
        string workspace = "",
        string environment = "",
        params string[] audiences
    )
    {
        var request = new ResolveCallerRequest { Workspace = workspace, Environment = environment };
        request.Audiences.Add(audiences);
        if (PersonalToken.IsWellFormed(credential))
        {
            request.PersonalToken = credential;
        }
        else
        {
            request.AccessToken = credential;
        }

        return await Callers.ResolveCallerAsync(request, AsTheEdge());
    }
}
