using MassTransit;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Events;

/// <summary>Which events a service takes off the bus.</summary>
public sealed class BusOptions
{
    internal List<(Type Consumer, string Queue)> Consumers { get; } = [];

    /// <summary>
    /// Every event that is published while <paramref name="queue"/> exists reaches <typeparamref name="T"/> at least once.
    /// </summary>
    public BusOptions Consume<T>(string queue)
        where T : class, IEventConsumer
    {
        Consumers.Add((typeof(T), queue));
        return this;
    }
}

public static class Messaging
{
    /// <summary>
    /// Joins the bus: MassTransit over RabbitMQ (connection string <c>rabbitmq</c>), quorum queues, publisher confirms. Publishing to
    /// nobody is an error, so that the outbox keeps what no queue would.
    /// </summary>
    public static void AddMessaging(this IHostApplicationBuilder builder, Action<BusOptions>? configure = null)
    {
        var options = new BusOptions();
        configure?.Invoke(options);
        builder.Services.AddSingleton<IEventPublisher, BusEventPublisher>();
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

            bus.UsingRabbitMq(
                (context, rabbit) =>
                {
                    rabbit.Host(
                        new Uri(
                            builder.Configuration.GetConnectionString("rabbitmq")
                                ?? throw new InvalidOperationException("The connection string 'rabbitmq' is missing.")
                        )
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
                                retry.Exponential(
                                    int.MaxValue,
                                    TimeSpan.FromMilliseconds(200),
                                    TimeSpan.FromSeconds(30),
                                    TimeSpan.FromMilliseconds(500)
                                )
                            );
                            endpoint.ConfigureConsumer(context, typeof(BatchConsumer<>).MakeGenericType(consumer));
                        });
                    }
                }
            );
        });
        builder.Services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = false);
    }

    private sealed class BusEventPublisher(IBus bus) : IEventPublisher
    {
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
