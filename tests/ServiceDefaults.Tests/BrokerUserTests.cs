using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Platform.Contracts;
using Platform.LocalServers;
using Platform.ServiceDefaults.Events;
using Platform.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Platform.ServiceDefaults.Tests;

/// <summary>What a service can do at the broker with its own user.</summary>
public sealed class BrokerUserTests(BrokerUserTests.Broker broker) : IClassFixture<BrokerUserTests.Broker>
{
    private const string Queue = "audit-events";
    private const string Exchange = "Platform.Contracts:EventBatch";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("directory")]
    [InlineData("data")]
    [InlineData("identity")]
    [InlineData("audit")]
    public async Task Events_of_every_service_reach_audit(string service)
    {
        using var host = await StartAsync(service);
        var batch = new EventBatch(service, []);
        await host.Services.GetRequiredService<IEventPublisher>().PublishAsync(batch, Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        await Eventually.True(() => broker.Received.Contains(service), () => $"the batch of {service}");
    }

    [Fact]
    public async Task Identity_hears_what_directory_says_and_how_far_it_is()
    {
        var heard = new Heard();
        using var identity = await broker.StartAsync("identity", bus => bus.Follow<Heard>(), heard);
        await Eventually.True(() => heard.Has("began"), () => "identity at its queue");
        using var directory = await StartAsync("directory");
        var publisher = directory.Services.GetRequiredService<IEventPublisher>();
        await publisher.PublishAsync(new EventBatch("directory", []), Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        await publisher.PublishAsync(new OutboxProgress("directory", default), Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        await Eventually.True(() => heard.Has("batch") && heard.Has("progress"), () => "what directory said");
    }

    [Fact]
    public async Task What_audit_cannot_read_is_kept_beside_its_queue()
    {
        await using var connection = await ConnectAsync("admin");
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Token);
        await channel.BasicPublishAsync("", Queue, mandatory: true, "not an event"u8.ToArray(), Token);
        string? kept = null;
        await Eventually.AsyncTrue(
            async () =>
            {
                try
                {
                    await using var reader = await connection.CreateChannelAsync(cancellationToken: Token);
                    kept = (await reader.BasicGetAsync($"{Queue}_error", autoAck: true, Token)) is { } message
                        ? Encoding.UTF8.GetString(message.Body.Span)
                        : null;
                }
                catch (OperationInterruptedException)
                {
                    // The queue is made with its first message.
                }

                return kept is not null;
            },
            () => "the message in the error queue"
        );
        Assert.Equal("not an event", kept);
    }

    [Theory]
    [InlineData("directory")]
    [InlineData("data")]
    [InlineData("identity")]
    public async Task No_other_service_touches_what_audit_takes_from(string service)
    {
        await RefusedAsync(channel => channel.BasicGetAsync(Queue, autoAck: true, Token));
        await RefusedAsync(channel => channel.BasicConsumeAsync(Queue, autoAck: true, new AsyncDefaultBasicConsumer(channel), Token));
        await RefusedAsync(channel => channel.QueuePurgeAsync(Queue, Token));
        await RefusedAsync(channel => channel.QueueDeleteAsync(Queue, cancellationToken: Token));
        await RefusedAsync(channel => channel.QueueUnbindAsync(Queue, Queue, "", cancellationToken: Token));
        await RefusedAsync(channel => channel.ExchangeDeleteAsync(Queue, cancellationToken: Token));
        // A queue of its own, to hear what the others say.
        await RefusedAsync(channel => channel.QueueDeclareAsync("ears", cancellationToken: Token));
        await RefusedAsync(channel => channel.ExchangeDeclareAsync("ears", ExchangeType.Fanout, cancellationToken: Token));

        async Task RefusedAsync(Func<IChannel, Task> act)
        {
            await using var connection = await ConnectAsync(service);
            await using var channel = await connection.CreateChannelAsync(cancellationToken: Token);
            var refusal = await Assert.ThrowsAsync<OperationInterruptedException>(() => act(channel));
            Assert.Equal(Constants.AccessRefused, refusal.ShutdownReason!.ReplyCode);
        }
    }

    [Fact]
    public async Task No_service_signs_in_as_another()
    {
        var factory = new ConnectionFactory { Uri = new Uri(broker.AddressOf("directory")), UserName = "audit" };
        await Assert.ThrowsAsync<BrokerUnreachableException>(() => factory.CreateConnectionAsync(Token));
    }

    private Task<IConnection> ConnectAsync(string user) =>
        new ConnectionFactory { Uri = new Uri(broker.AddressOf(user)) }.CreateConnectionAsync(Token);

    private Task<IHost> StartAsync(string service) => broker.StartAsync(service, _ => { });

    /// <summary>A broker with the users of the suite, and audit at its queue.</summary>
    public sealed class Broker : IAsyncLifetime
    {
        private readonly string _data = Directory.CreateTempSubdirectory("broker-users").FullName;
        private LocalServer? _server;
        private IHost? _audit;

        internal ConcurrentBag<string> Received { get; } = [];

        public async ValueTask InitializeAsync()
        {
            _server = await LocalServer.StartRabbitAsync(_data, "admin", "password-of-admin", CancellationToken.None);
            _audit = await StartAsync("audit", bus => bus.Consume<Intake>(Queue));
            await using var connection = await new ConnectionFactory { Uri = new Uri(AddressOf("admin")) }.CreateConnectionAsync();
            await Eventually.AsyncTrue(
                async () =>
                {
                    try
                    {
                        await using var channel = await connection.CreateChannelAsync();
                        return (await channel.QueueDeclarePassiveAsync(Queue)).ConsumerCount > 0;
                    }
                    catch (OperationInterruptedException)
                    {
                        return false;
                    }
                },
                () => "audit at its queue"
            );
        }

        public string AddressOf(string user) => $"amqp://{user}:{LocalServer.BrokerPasswordOf(user)}@127.0.0.1:{_server!.Port}";

        internal async Task<IHost> StartAsync(string service, Action<BusOptions> configure, Heard? heard = null)
        {
            var builder = Host.CreateApplicationBuilder();
            builder.Configuration["ConnectionStrings:rabbitmq"] = AddressOf(service);
            builder.Services.AddSingleton(Received);
            builder.Services.AddSingleton(heard ?? new Heard());
            builder.AddMessaging(configure);
            var host = builder.Build();
            await host.StartAsync();
            return host;
        }

        public async ValueTask DisposeAsync()
        {
            if (_audit is not null)
            {
                await _audit.StopAsync();
                _audit.Dispose();
            }

            if (_server is not null)
            {
                await _server.DisposeAsync();
            }

            Directory.Delete(_data, recursive: true);
        }
    }

    internal sealed class Intake(ConcurrentBag<string> received) : IEventConsumer
    {
        public Task ConsumeAsync(EventBatch batch, CancellationToken cancellationToken)
        {
            received.Add(batch.Source);
            return Task.CompletedTask;
        }
    }

    internal sealed class Heard : IEventFollower
    {
        private readonly ConcurrentBag<string> _what = [];

        public bool Has(string what) => _what.Contains(what);

        public void Began() => _what.Add("began");

        public void Interrupted() => _what.Add("interrupted");

        public void Saw(EventBatch batch) => _what.Add("batch");

        public void Saw(OutboxProgress progress) => _what.Add("progress");
    }
}
