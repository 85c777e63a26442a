using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Notes.Contracts;
using Notes.Contracts.V1;
using Platform.Contracts;
using Platform.LocalServers;
using Platform.Servers;
using Platform.ServiceDefaults.Events;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

/// <summary>A service and a consumer of its events on a RabbitMQ that goes away and comes back.</summary>
public sealed class BrokerRestartTests(PostgresFixture postgres) : IDisposable
{
    private readonly string _data = Path.Combine(AppContext.BaseDirectory, $"rabbitmq-{Guid.NewGuid():N}"[..17]);
    private readonly TestCaller _caller = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        if (Directory.Exists(_data))
        {
            Directory.Delete(_data, recursive: true);
        }
    }

    [Fact]
    public async Task Events_go_on_within_seconds_after_the_broker_is_back()
    {
        var port = FreePorts.Next();
        var broker = await StartAsync(port);
        await using var notes = new NotesOnABroker(postgres, broker.ConnectionString);
        await notes.InitializeAsync();
        var collected = new Collected();
        using var consumer = Consumer(broker.ConnectionString, collected);
        await consumer.StartAsync(Cancellation);
        await CreateAsync(notes, "before");
        await Eventually.True(() => collected.Titles.Contains("before"));

        await Eventually.True(() => collected.Followed is ["began", ..] and [.., "before", "progress"]);

        await broker.DisposeAsync();
        await CreateAsync(notes, "meanwhile");
        await Eventually.True(() => collected.Followed is [.., "interrupted"]);
        using var http = notes.CreateHttpClient();
        var health = "";
        await Eventually.AsyncTrue(
            async () =>
            {
                using var answer = await http.GetAsync(new Uri("/health", UriKind.Relative), Cancellation);
                health = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancellation)}";
                return health.StartsWith("200", StringComparison.Ordinal)
                    && health.Contains("\"outbox\":{\"status\":\"Degraded\"", StringComparison.Ordinal);
            },
            () => $"a degraded service that is ready, not {health}"
        );
        await using var again = await StartAsync(port);
        var back = TimeProvider.System.GetTimestamp();
        await Eventually.True(() => collected.Titles.Contains("meanwhile"));
        var late = TimeProvider.System.GetElapsedTime(back);

        TestContext.Current.TestOutputHelper!.WriteLine($"The event came {late.TotalSeconds:0.0} s after the broker.");
        // The follower has a queue of its own, which may be there later than the event: then it has begun anew all the same.
        await Eventually.True(() =>
            collected.Followed.SkipWhile(what => what != "interrupted").ToList() is ["interrupted", "began", ..] and [.., "progress"]
        );
        Assert.InRange(late, TimeSpan.Zero, TimeSpan.FromSeconds(4.5));
        await consumer.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_broker_that_is_away_is_tried_every_second_or_two()
    {
        using var nobody = new TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        using var consumer = Consumer($"amqp://127.0.0.1:{((IPEndPoint)nobody.LocalEndpoint).Port}", null);
        await consumer.StartAsync(Cancellation);
        var gaps = new List<TimeSpan>();
        for (var last = await HangUpAsync(nobody); gaps.Count < 6; )
        {
            var next = await HangUpAsync(nobody);
            gaps.Add(TimeProvider.System.GetElapsedTime(last, next));
            last = next;
        }

        Assert.True(
            gaps.Max() < TimeSpan.FromSeconds(3),
            $"It was tried after {string.Join(", ", gaps.Select(gap => $"{gap.TotalSeconds:0.0} s"))}."
        );
        await consumer.StopAsync(Cancellation);
    }

    private static async Task<long> HangUpAsync(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync(Cancellation);
        return TimeProvider.System.GetTimestamp();
    }

    private Task<LocalServer> StartAsync(int port) => LocalServer.StartRabbitAsync(_data, "platform", "secret", port, Cancellation);

    private async Task CreateAsync(NotesFixture notes, string title) =>
        await notes.Client.CreateNoteAsync(new CreateNoteRequest { Title = title }, notes.As(_caller));

    private static IHost Consumer(string broker, Collected? collected)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:rabbitmq"] = broker;
        builder.Services.AddSingleton(collected ?? new Collected());
        builder.Services.AddSingleton<Follower>();
        builder.AddMessaging(bus =>
        {
            if (collected is not null)
            {
                bus.Consume<Collector>("collected").Follow<Follower>();
            }
        });
        return builder.Build();
    }

    private sealed class Collected
    {
        private readonly List<string> _followed = [];

        public ConcurrentBag<string> Titles { get; } = [];

        /// <summary>What the follower saw, without repetitions.</summary>
        public IReadOnlyList<string> Followed
        {
            get
            {
                lock (_followed)
                {
                    return [.. _followed];
                }
            }
        }

        public void Follow(string what)
        {
            lock (_followed)
            {
                if (_followed.LastOrDefault() != what)
                {
                    _followed.Add(what);
                }
            }
        }
    }

    private sealed class Follower(Collected collected) : IEventFollower
    {
        public void Began() => collected.Follow("began");

        public void Interrupted() => collected.Follow("interrupted");

        public void Saw(EventBatch batch)
        {
            foreach (var envelope in batch.Events)
            {
                collected.Follow(envelope.Read<NoteCreated>().Title);
            }
        }

        public void Saw(OutboxProgress progress) => collected.Follow("progress");
    }

    private sealed class Collector(Collected collected) : IEventConsumer
    {
        public Task ConsumeAsync(EventBatch batch, CancellationToken cancellationToken)
        {
            foreach (var envelope in batch.Events)
            {
                collected.Titles.Add(envelope.Read<NoteCreated>().Title);
            }

            return Task.CompletedTask;
        }
    }

    private sealed class NotesOnABroker(PostgresFixture postgres, string broker) : NotesFixture(postgres)
    {
        protected override bool HasBroker => true;

        protected override IEnumerable<KeyValuePair<string, string?>> Settings() => [new("ConnectionStrings:rabbitmq", broker)];
    }
}
