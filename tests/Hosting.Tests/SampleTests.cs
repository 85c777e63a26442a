using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Platform.Native.Servers;
using Platform.Testing;

namespace Platform.Hosting.Tests;

/// <summary>The sample AppHost, started once through Aspire.Hosting.Testing.</summary>
public sealed class SampleApplication : IAsyncLifetime
{
    private readonly List<string> _ready = [];

    public DistributedApplication App { get; private set; } = null!;

    /// <summary>What the builder held that the test was given.</summary>
    public IReadOnlyList<string> Declared { get; private set; } = [];

    public IReadOnlyList<string> Ready
    {
        get
        {
            lock (_ready)
                return [.. _ready];
        }
    }

    public async ValueTask InitializeAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sample_AppHost>(["--Parameters:configured=from configuration"]);
        Declared = [.. builder.Resources.Select(resource => resource.Name)];
        builder.Eventing.Subscribe<ResourceReadyEvent>((e, _) =>
        {
            lock (_ready)
                _ready.Add(e.Resource.Name);
            return Task.CompletedTask;
        });
        App = await builder.BuildAsync();
        await App.StartAsync().WaitAsync(TimeSpan.FromMinutes(4));
        await App.ResourceNotifications.WaitForResourceHealthyAsync("second-one").WaitAsync(TimeSpan.FromMinutes(1));
    }

    public async ValueTask DisposeAsync() => await App.DisposeAsync();
}

public sealed class SampleTests(SampleApplication sample) : IClassFixture<SampleApplication>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private DistributedApplication App => sample.App;

    [Fact]
    public void A_test_is_given_the_builder_with_the_resources_of_the_application() => Assert.Contains("first", sample.Declared);

    [Fact]
    public async Task A_project_is_given_its_values_connections_and_properties()
    {
        var variables = await VariablesAsync("first");
        var server = new NpgsqlConnectionStringBuilder(await App.GetConnectionStringAsync("postgres", Token));
        var password = Uri.EscapeDataString(server.Password!);

        Assert.Equal("literal", variables["GIVEN"]);
        Assert.Equal("from configuration", variables["CONFIGURED"]);
        Assert.Equal(30, variables["GENERATED"].Length);
        Assert.Equal("model", variables["OVERRIDDEN"]);
        Assert.Equal("[postgres] {literal}", variables["EXPRESSION"]);
        Assert.Equal("first", variables["CALLBACK"]);
        Assert.Equal($"Host=127.0.0.1;Port={server.Port};Username=postgres;Password={server.Password};Database=sample",
            variables["ConnectionStrings__sample-db"]);
        Assert.Equal($"{variables["ConnectionStrings__sample-db"]};Application Name=owner", variables["ConnectionStrings__owner"]);
        Assert.Equal("127.0.0.1", variables["SAMPLE_DB_HOST"]);
        Assert.Equal(server.Port.ToString(CultureInfo.InvariantCulture), variables["SAMPLE_DB_PORT"]);
        Assert.Equal("postgres", variables["SAMPLE_DB_USERNAME"]);
        Assert.Equal(server.Password, variables["SAMPLE_DB_PASSWORD"]);
        Assert.Equal("sample", variables["SAMPLE_DB_DATABASENAME"]);
        Assert.Equal($"postgresql://postgres:{password}@127.0.0.1:{server.Port}/sample", variables["SAMPLE_DB_URI"]);
        Assert.Equal($"jdbc:postgresql://127.0.0.1:{server.Port}/sample", variables["SAMPLE_DB_JDBCCONNECTIONSTRING"]);
        Assert.Equal($"{variables["REDIS_HOST"]}:{variables["REDIS_PORT"]},password={variables["REDIS_PASSWORD"]}",
            variables["ConnectionStrings__redis"]);
        Assert.StartsWith("amqp://guest:", variables["ConnectionStrings__bus"], StringComparison.Ordinal);
        Assert.Equal("guest", variables["BUS_USERNAME"]);
    }

    [Fact]
    public async Task A_project_is_given_its_launch_profile_ports_and_telemetry_but_not_the_AppHosts_own_settings()
    {
        var variables = await VariablesAsync("first");
        var http = App.GetEndpoint("first");
        var grpc = App.GetEndpoint("first", "grpc");

        Assert.Equal("http", variables["DOTNET_LAUNCH_PROFILE"]);
        Assert.Equal("Development", variables["ASPNETCORE_ENVIRONMENT"]);
        Assert.Equal("yes", variables["FROM_PROFILE"]);
        // The endpoint with a variable for its port is not among the URLs.
        Assert.Equal($"http://localhost:{http.Port}", variables["ASPNETCORE_URLS"]);
        Assert.Equal(grpc.Port.ToString(CultureInfo.InvariantCulture), variables["GRPC_PORT"]);
        Assert.Equal("first", variables["OTEL_SERVICE_NAME"]);
        Assert.Matches("^service.instance.id=[a-z]{8}$", variables["OTEL_RESOURCE_ATTRIBUTES"]);
        Assert.Equal("1000", variables["OTEL_METRIC_EXPORT_INTERVAL"]);
        Assert.Equal("in_memory", variables["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"]);
        Assert.Equal("simple", variables["LOGGING__CONSOLE__FORMATTERNAME"]);
        Assert.DoesNotContain("DOTNET_ENVIRONMENT", variables);

        using var client = App.CreateHttpClient("first");
        Assert.Equal((string[]?)["--from-profile", "two words", "--given", "literal"],
            await client.GetFromJsonAsync<string[]>("/arguments", Token));
        using var other = App.CreateHttpClient("first", "grpc");
        Assert.Equal("Healthy", await other.GetStringAsync(new Uri("/health", UriKind.Relative), Token));
    }

    [Fact]
    public async Task A_reference_names_every_endpoint_twice()
    {
        var variables = await VariablesAsync("second-one");
        var http = App.GetEndpoint("first").ToString().TrimEnd('/');
        var grpc = App.GetEndpoint("first", "grpc").ToString().TrimEnd('/');

        Assert.Equal(http, variables["services__first__http__0"]);
        Assert.Equal(grpc, variables["services__first__grpc__0"]);
        Assert.Equal(http, variables["FIRST_HTTP"]);
        Assert.Equal(grpc, variables["FIRST_GRPC"]);
        Assert.Equal("http://example.test/", variables["services__elsewhere__default__0"]);
        Assert.DoesNotContain("DOTNET_LAUNCH_PROFILE", variables);
        Assert.DoesNotContain("ASPNETCORE_ENVIRONMENT", variables);
        Assert.Equal(App.GetEndpoint("second-one").ToString().TrimEnd('/'), (await VariablesAsync("first"))["SECOND"]);
    }

    [Fact]
    public async Task Replicas_share_the_public_port_by_a_proxy()
    {
        // The resource is up as soon as one of them is.
        HashSet<int> up = [];
        await Eventually.AsyncTrue(async () => up.Add(await AskAsync()) && up.Count == 2, () => "the second replica");

        var answered = new int[8];
        for (var i = 0; i < answered.Length; i++)
        {
            answered[i] = await AskAsync();
        }

        Assert.Equal(up.Order(), answered.Distinct().Order());

        async Task<int> AskAsync()
        {
            // A connection of its own for each call: the proxy chooses per connection.
            using var client = new HttpClient { BaseAddress = App.GetEndpoint("second-one") };
            return await client.GetFromJsonAsync<int>("/process", Token);
        }
    }

    [Fact]
    public async Task Resources_become_ready_in_the_order_that_they_wait_for()
    {
        string[] order = ["postgres", "sample-db", "first", "second-one"];

        Assert.Equal(order, sample.Ready.Where(order.Contains).Distinct());
        Assert.True(sample.Ready.ToList().IndexOf("rabbitmq") < sample.Ready.ToList().IndexOf("first"));
        Assert.True(App.ResourceNotifications.TryGetCurrentState("first-migrations", out var migrations));
        Assert.Equal((KnownResourceStates.Finished, 0), (migrations.Snapshot.State!.Text, migrations.Snapshot.ExitCode));
        Assert.True(App.ResourceNotifications.TryGetCurrentState("later", out var later));
        Assert.Equal(KnownResourceStates.NotStarted, later.Snapshot.State!.Text);

        Assert.True((await App.ResourceCommands.ExecuteCommandAsync("later", KnownResourceCommands.StartCommand, Token)).Success);
        var healthy = await App.ResourceNotifications.WaitForResourceHealthyAsync("later", Token).WaitAsync(TimeSpan.FromMinutes(1), Token);
        Assert.Equal(HealthStatus.Healthy, healthy.Snapshot.HealthStatus);
    }

    [Fact]
    public async Task A_crashed_project_and_a_killed_server_come_back_on_their_ports()
    {
        using var client = App.CreateHttpClient("first");
        var before = await client.GetFromJsonAsync<int>("/process", Token);
        var exited = App.ResourceNotifications.WaitForResourceAsync("first", KnownResourceStates.Exited, Token);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetStringAsync(new Uri("/crash", UriKind.Relative), Token));
        await exited.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await App.ResourceNotifications.WaitForResourceHealthyAsync("first", WaitBehavior.WaitOnResourceUnavailable, Token)
            .WaitAsync(TimeSpan.FromMinutes(1), Token);
        Assert.NotEqual(before, await client.GetFromJsonAsync<int>("/process", Token));

        Assert.True(App.ResourceNotifications.TryGetCurrentState("redis", out var redis));
        var process = (int)redis.Snapshot.Properties.Single(p => p.Name == "executable.pid").Value!;
        var down = App.ResourceNotifications.WaitForResourceAsync("redis", KnownResourceStates.Exited, Token);
        Assert.True(Signals.Send(process, Signals.Kill));
        await down.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await App.ResourceNotifications.WaitForResourceHealthyAsync("redis", WaitBehavior.WaitOnResourceUnavailable, Token)
            .WaitAsync(TimeSpan.FromMinutes(1), Token);
    }

    [Fact]
    public async Task The_restart_command_gives_another_process()
    {
        using var client = App.CreateHttpClient("second-one");
        var watch = Stopwatch.StartNew();
        Assert.True(App.ResourceNotifications.TryGetCurrentState("second-one", out var replica));
        var before = replica.Snapshot.Properties.Single(p => p.Name == "executable.pid").Value;

        var result = await App.ResourceCommands.ExecuteCommandAsync(replica.ResourceId, KnownResourceCommands.RestartCommand, Token);

        Assert.True(result.Success, result.ErrorMessage);
        Assert.True(App.ResourceNotifications.TryGetCurrentState(replica.ResourceId, out var after));
        Assert.Equal(KnownResourceStates.Running, after.Snapshot.State!.Text);
        Assert.NotEqual(before, after.Snapshot.Properties.Single(p => p.Name == "executable.pid").Value);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30));
    }

    private async Task<Dictionary<string, string>> VariablesAsync(string resource)
    {
        using var client = App.CreateHttpClient(resource);
        return (await client.GetFromJsonAsync<Dictionary<string, string>>("/environment", Token))!;
    }
}
