using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Platform.Directory.Tests;
using Platform.Testing;

namespace Platform.Identity.Tests.Joining;

/// <summary>Identity and directory in process, each on its own database, with a realm whose accounts are in memory.</summary>
public sealed class JoinFixture(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly LoggedIdentity _identity = new(postgres);
    private readonly LoggedDirectory _directory = new(postgres);

    public MailFixture Directory => _directory;

    public IdentityFixture Identity => _identity;

    internal FakeAccounts Realm => _identity.Forge.NewAccounts;

    internal FakeJoining Gate => _identity.Directory.Joining;

    /// <summary>What both services logged.</summary>
    internal IEnumerable<string> Log => _identity.Log.Concat(_directory.Log);

    /// <summary>The page of identity.</summary>
    public HttpClient CreateHttpClient() => _identity.CreateHttpClient();

    public async ValueTask InitializeAsync()
    {
        await _directory.InitializeAsync();
        await _identity.InitializeAsync();
        Gate.Behind = new(_directory.Channel);
        Gate.AsIdentity = () => _directory.As(TestCaller.AsService("identity"));
    }

    public async ValueTask DisposeAsync()
    {
        await _identity.DisposeAsync();
        await _directory.DisposeAsync();
    }

    private static void Listen(IServiceCollection services, ConcurrentQueue<string> log)
    {
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddFilter(_ => true));
        services.AddSingleton<ILoggerProvider>(new EveryLine(log));
    }

    private sealed class LoggedDirectory(PostgresFixture postgres) : MailFixture(postgres)
    {
        public ConcurrentQueue<string> Log { get; } = new();

        protected override void Configure(IServiceCollection services) => Listen(services, Log);
    }

    private sealed class LoggedIdentity(PostgresFixture postgres) : IdentityFixture(postgres)
    {
        public ConcurrentQueue<string> Log { get; } = new();

        protected override void Configure(IServiceCollection services) => Listen(services, Log);
    }

    private sealed class EveryLine(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose() { }
    }
}
