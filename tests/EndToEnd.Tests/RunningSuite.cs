using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Platform.Demo;
using Platform.Servers;

// The tests share one suite and kill parts of it.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Platform.EndToEnd.Tests;

/// <summary>Tests of the collection share one suite, which the first of them starts.</summary>
[CollectionDefinition(Name)]
public sealed class TheSuite : ICollectionFixture<RunningSuite>
{
    public const string Name = "suite";
}

/// <summary>The whole of it, started from the AppHost once for all tests. What they know of it is what a client knows.</summary>
public class RunningSuite : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    private DistributedApplication? _app;

    internal Endpoints Endpoints { get; private set; } = null!;

    /// <summary>
    /// Where the suite keeps what it makes, apart from what a person started in this checkout. It is removed with the suite.
    /// </summary>
    private protected virtual string Artifacts { get; } = SuiteFolder.Next();

    /// <summary>Settings of the AppHost besides the tests' own.</summary>
    private protected virtual IEnumerable<string> Settings => [];

    /// <summary>Changes what runs.</summary>
    private protected virtual void Change(IDistributedApplicationTestingBuilder builder) { }

    /// <summary>Where the audit service of this suite sends what is for Datadog.</summary>
    internal Uri Intake { get; } = new($"http://127.0.0.1:{FreePorts.Next()}");

    public virtual async ValueTask InitializeAsync()
    {
        using var patience = new CancellationTokenSource(_patience);
        // A hundred calls at once are to meet in the owning service, not in the limit of one token.
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Platform_AppHost>(
            [
                $"--Artifacts={Artifacts}",
                "--Servers=local",
                $"--Demo:DatadogIntake={Intake}",
                "--Edge:Access:ReadsPerSecond=1000",
                "--Edge:Access:WritesPerSecond=1000",
                "--Edge:Access:RegistrationsPerAddress=1000",
                // Outside tests the platform's own client has no address on loopback.
                $"--Keycloak:Clients:platform-governance:RedirectUris:0={AuthorizationCode.GovernanceRedirect}",
                .. Settings,
            ],
            patience.Token
        );
        Change(builder);
        _app = await builder.BuildAsync(patience.Token);
        await _app.StartAsync(patience.Token);
        Endpoints = await Endpoints.WaitAsync(Path.Combine(Artifacts, "endpoints.json"), patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        CleanUp();
        GC.SuppressFinalize(this);
    }

    private protected virtual void CleanUp() => SuiteFolder.Delete(Artifacts);

    internal Mailbox Mailbox => new(Path.Combine(Artifacts, "mail"));

    /// <summary>Where a resource is reached on this machine, whatever its public address is.</summary>
    internal Uri UrlOf(string resource) => _app!.GetEndpoint(resource, "http");

    internal async Task<string> ConnectionStringAsync(string resource, CancellationToken cancellationToken) =>
        (await _app!.GetConnectionStringAsync(resource, cancellationToken))!;

    /// <summary>Skips the test that asks where nobody can sign in.</summary>
    internal Uri RequireIssuer()
    {
        Assert.SkipWhen(Endpoints.Issuer is null, "Nobody signs in here: there is neither a Keycloak nor the embedded realm.");
        return Endpoints.Issuer!;
    }

    /// <summary>SIGKILL to all processes of a resource. Starts it again by Aspire's command, and returns once it is healthy.</summary>
    internal Task KillAsync(string resource, CancellationToken cancellationToken) => Processes.KillAsync(resource, cancellationToken);

    internal SuiteProcesses Processes => new(_app!);
}
