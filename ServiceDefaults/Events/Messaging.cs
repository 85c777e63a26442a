using MassTransit;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Platform.Contracts;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.ServiceDefaults.Events;

/// <summary>Which events a service takes off the bus.</summary>
public sealed class BusOptions
{
    internal List<(Type Consumer, string Queue)> Consumers { get; } = [];

    internal Type? Follower { get; private set; }

    internal bool TellsProgress { get; private set; }

    /// <summary>
    /// Every event that is published while <paramref name="queue"/> exists reaches <typeparamref name="T"/> at least once.
    /// </summary>
    public BusOptions Consume<T>(string queue)
        where T : class, IEventConsumer
    {
        Consumers.Add((typeof(T), queue));
        return this;
    }

    /// <summary>The singleton <typeparamref name="T"/> sees every event that is published while this process has a connection.</summary>
    public BusOptions Follow<T>()
        where T : class, IEventFollower
    {
        Follower = typeof(T);
        return this;
    }

    /// <summary>The relay of this service says how far it is, for followers.</summary>
    public BusOptions TellProgress()
    {
        TellsProgress = true;
        return this;
    }
}

public static class Messaging
{
    // A broker that takes connections and does not answer.
    private static readonly TimeSpan _connectWithin = TimeSpan.FromSeconds(5);

    // A consumer whose database is away goes on soon after it is back.
    private static readonly TimeSpan _retryAfter = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _retryAfterAtMost = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Joins the bus: MassTransit over RabbitMQ (connection string <c>rabbitmq</c>), quorum queues, publisher confirms. Publishing to
    /// nobody is an error, so that the outbox keeps what no queue would.
    /// </summary>
    public static void AddMessaging(this IHostApplicationBuilder builder, Action<BusOptions>? configure = null)
    {
        var options = new BusOptions();
        configure?.Invoke(options);
        builder.Services.AddSingleton<IEventPublisher>(services => new BusEventPublisher(
            services.GetRequiredService<IBus>(),
            options.TellsProgress
        ));
        foreach (var (consumer, _) in options.Consumers)
        {
            builder.Services.AddScoped(consumer);
        }

        builder.Services.AddMassTransit(bus =>
        {
            // It would report to its makers over the internet at every start.
            bus.DisableUsageTelemetry();
            foreach (var (consumer, _) in options.Consumers)
            {
                bus.AddConsumer(typeof(BatchConsumer<>).MakeGenericType(consumer));
            }

            // Without the broker the outbox keeps events and every call goes on: a reason to look, not to take the process out of service.
            bus.ConfigureHealthCheckOptions(health => health.MinimalFailureStatus = HealthStatus.Degraded);
            bus.SetBusFactory(
                new PromptBusFactory(
                    (context, rabbit) =>
                    {
                        rabbit.Host(
                            new Uri(
                                builder.Configuration.GetConnectionString("rabbitmq")
                                    ?? throw new WrongSettingException("The connection string 'rabbitmq' is missing.")
                            ),
                            host => host.RequestedConnectionTimeout(_connectWithin)
                        );
                        foreach (var (consumer, queue) in options.Consumers)
                        {
                            rabbit.ReceiveEndpoint(queue, endpoint =>
                            {
                                endpoint.SetQuorumQueue();
                                endpoint.PrefetchCount = 16;
                                // Order matters more than parallel batches, and a batch is many rows already.
                                endpoint.ConcurrentMessageLimit = 1;
                                endpoint.UseMessageRetry(retry =>
                                    retry.Exponential(int.MaxValue, _retryAfter, _retryAfterAtMost, _retryAfter)
                                );
                                endpoint.ConfigureConsumer(context, typeof(BatchConsumer<>).MakeGenericType(consumer));
                            });
                        }

                        if (options.Follower is { } follower)
                        {
                            rabbit.Follow((IEventFollower)context.GetRequiredService(follower));
                        }
                    }
                )
            );
        });
        builder.Services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = false);
    }

    // A queue of this connection alone, which ends with it: a new connection begins with nothing in it.
    private static void Follow(this IRabbitMqBusFactoryConfigurator rabbit, IEventFollower follower) =>
        rabbit.ReceiveEndpoint($"follower-{Guid.NewGuid():N}", endpoint =>
        {
            (endpoint.Durable, endpoint.AutoDelete, endpoint.Exclusive) = (false, true, true);
            endpoint.ConcurrentMessageLimit = 1;
            endpoint.ConnectReceiveEndpointObserver(new FollowerState(follower));
            endpoint.Handler<EventBatch>(context =>
            {
                follower.Saw(context.Message);
                return Task.CompletedTask;
            });
            endpoint.Handler<OutboxProgress>(context =>
            {
                follower.Saw(context.Message);
                return Task.CompletedTask;
            });
        });

    private sealed class FollowerState(IEventFollower follower) : IReceiveEndpointObserver
    {
        // Its queue is bound by now.
        public Task Ready(ReceiveEndpointReady ready) => Tell(follower.Began);

        public Task Stopping(ReceiveEndpointStopping stopping) => Tell(follower.Interrupted);

        public Task Completed(ReceiveEndpointCompleted completed) => Tell(follower.Interrupted);

        public Task Faulted(ReceiveEndpointFaulted faulted) => Tell(follower.Interrupted);

        private static Task Tell(Action what)
        {
            what();
            return Task.CompletedTask;
        }
    }

    private sealed class BusEventPublisher(IBus bus, bool tellsProgress) : IEventPublisher
    {
        public bool TellsProgress => tellsProgress;

        public Task PublishAsync(OutboxProgress progress, CancellationToken cancellationToken) => bus.Publish(progress, cancellationToken);

        public Task PublishAsync(EventBatch batch, CancellationToken cancellationToken) =>
            bus.Publish(
                batch,
                context =>
                {
                    if (context.TryGetPayload<RabbitMqSendContext>(out var rabbit))
                    {
                        rabbit.Mandatory = true;
                    }
                },
                cancellationToken
            );
    }

    private sealed class BatchConsumer<T>(T consumer) : IConsumer<EventBatch>
        where T : class, IEventConsumer
    {
        public Task Consume(ConsumeContext<EventBatch> context) => consumer.ConsumeAsync(context.Message, context.CancellationToken);
    }
}
