using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Platform.Contracts;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.Events;
using Platform.ServiceDefaults.State;
using Xunit;

namespace Platform.Testing;

/// <summary>
/// A service in process, on a fresh database of the real server, as its application role. Assertions come from <see cref="Issuer"/>,
/// published events go to <see cref="Events"/>, the clock is <see cref="Clock"/>.
/// </summary>
/// <typeparam name="TProgram">A type of the service's assembly.</typeparam>
public class ServiceFixture<TProgram>(PostgresFixture postgres, string service) : IAsyncLifetime
    where TProgram : class
{
    private const string Password = "app-test";

    private Factory? _factory;
    private string _database = "";

    public TestIssuer Issuer { get; } = new();

    public TestClock Clock { get; } = new();

    public PublishedEvents Events { get; } = new();

    /// <summary>The service's services.</summary>
    public IServiceProvider Services => Running.Services;

    /// <summary>For clients: <c>new Organizations.OrganizationsClient(fixture.Channel)</c>.</summary>
    public GrpcChannel Channel { get; private set; } = null!;

    /// <summary>The administrator's view of the database, past row-level security.</summary>
    public NpgsqlDataSource Admin { get; private set; } = null!;

    /// <summary>The application role's view, without a workspace.</summary>
    public NpgsqlDataSource App { get; private set; } = null!;

    private Factory Running => _factory ?? throw new InvalidOperationException("The fixture has not been initialized.");

    public virtual async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateAsync($"{service}_template", MigrateAsync);
        Admin = NpgsqlDataSource.Create(postgres.AdminConnectionString(_database));
        App = NpgsqlDataSource.Create(ConnectionStringOf("app"));
        _factory = new Factory(this, Settings(_database));
        Channel = GrpcChannel.ForAddress(
            _factory.Server.BaseAddress,
            new GrpcChannelOptions { HttpHandler = _factory.Server.CreateHandler(), MaxReceiveMessageSize = null }
        );
    }

    /// <summary>Brings the database of this fixture up to date, as an upgrade does while the earlier program runs.</summary>
    public Task MigrateAgainAsync() => MigrateAsync(_database);

    /// <summary>The HTTP/1.1 side of the service.</summary>
    public HttpClient CreateHttpClient(bool followsRedirects = true) =>
        Running.CreateClient(new() { AllowAutoRedirect = followsRedirects });

    /// <summary>Call options that say who calls and what travels beside the request.</summary>
    public CallOptions As(
        TestCaller caller,
        string? idempotencyKey = null,
        bool dryRun = false,
        string? confirmation = null,
        string? task = null,
        string? declined = null
    )
    {
        var headers = new Metadata
        {
            { "authorization", "Bearer " + Issuer.Issue(caller, service) },
            { CallMetadata.CallId, Ids.New().ToString() },
        };
        Add(CallMetadata.IdempotencyKey, idempotencyKey);
        Add(CallMetadata.DryRun, dryRun ? "true" : null);
        Add(CallMetadata.Confirmation, confirmation);
        Add(CallMetadata.Task, task);
        Add(CallMetadata.Declined, declined);
        return new CallOptions(headers);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                headers.Add(name, value);
            }
        }
    }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Channel?.Dispose();
        if (_factory is not null)
        {
            await _factory.DisposeAsync();
        }

        await App.DisposeAsync();
        await Admin.DisposeAsync();
    }

    /// <summary>Whether the service uses the broker of its settings; otherwise events go to <see cref="Events"/>.</summary>
    protected virtual bool HasBroker => false;

    /// <summary>Replaces or adds services before the service starts.</summary>
    protected virtual void Configure(IServiceCollection services) { }

    /// <summary>Logins of the service beside its application role.</summary>
    protected virtual IReadOnlyList<string> Logins => [];

    /// <summary>Settings of the service beside its connection strings.</summary>
    protected virtual IEnumerable<KeyValuePair<string, string?>> Settings() => [];

    /// <summary>As a login of the service, in the database of this fixture.</summary>
    protected string ConnectionStringOf(string login) => ConnectionString(_database, login);

    private string ConnectionString(string database, string login) =>
        new NpgsqlConnectionStringBuilder(postgres.AdminConnectionString(database))
        {
            Username = $"{service}_{login}",
            Password = Password,
        }.ConnectionString;

    private Dictionary<string, string?> Settings(string database)
    {
        var settings = new Dictionary<string, string?>
        {
            [$"ConnectionStrings:{service}"] = ConnectionString(database, "app"),
            [$"ConnectionStrings:{service}db"] = postgres.AdminConnectionString(database),
            ["ConnectionStrings:rabbitmq"] = "amqp://127.0.0.1:1",
            ["Database:AppPassword"] = Password,
        };
        foreach (var login in Logins)
        {
            settings[$"ConnectionStrings:{service}_{login}"] = ConnectionString(database, login);
            settings[$"Database:{login}Password"] = Password;
        }

        foreach (var (key, value) in Settings())
        {
            settings[key] = value;
        }

        return settings;
    }

    private async Task MigrateAsync(string database)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(Settings(database)).Build());
        services.AddSingleton(new ServiceIdentity(service));
        foreach (var login in Logins)
        {
            services.AddSingleton(new ServiceLogin(login));
        }

        await using var provider = services.BuildServiceProvider();
        await provider.MigrateAsync(typeof(TProgram).Assembly, CancellationToken.None);
    }

    private sealed class Factory(ServiceFixture<TProgram> fixture, Dictionary<string, string?> settings) : WebApplicationFactory<TProgram>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            foreach (var (key, value) in settings)
            {
                builder.UseSetting(key, value);
            }

            builder.ConfigureServices(services =>
            {
                services.RemoveAll<IAssertionKeys>();
                services.AddSingleton<IAssertionKeys>(fixture.Issuer);
                services.RemoveAll<TimeProvider>();
                services.AddSingleton<TimeProvider>(fixture.Clock);
                if (!fixture.HasBroker)
                {
                    Disconnect(services);
                }

                fixture.Configure(services);
            });
        }

        private void Disconnect(IServiceCollection services)
        {
            services.RemoveAll<IEventPublisher>();
            services.AddSingleton<IEventPublisher>(new PublishedEvents.Publisher(fixture.Events));
            foreach (
                var bus in services
                    .Where(registered =>
                        registered.ServiceType == typeof(IHostedService)
                        && (registered.ImplementationType ?? registered.ImplementationFactory?.Method.DeclaringType)?.Namespace?.StartsWith(
                            "MassTransit",
                            StringComparison.Ordinal
                        ) == true
                    )
                    .ToList()
            )
            {
                services.Remove(bus);
            }
        }
    }
}
