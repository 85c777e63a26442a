using MassTransit;
using MassTransit.Configuration;
using MassTransit.RabbitMqTransport.Configuration;
using MassTransit.Transports;
using RabbitMQ.Client.Exceptions;

namespace Platform.ServiceDefaults.Events;

/// <summary>
/// A bus over RabbitMQ that looks for its broker about every second and a half. MassTransit's own waits up to half a minute between two
/// tries, longer the longer the broker was away, and has no setting for it.
/// </summary>
internal sealed class PromptBusFactory : TransportRegistrationBusFactory<IRabbitMqReceiveEndpointConfigurator>
{
    private readonly PromptBus _bus;
    private readonly Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> _configure;

    public PromptBusFactory(Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> configure)
        : this(new PromptBus(new RabbitMqTopologyConfiguration(RabbitMqBusFactory.CreateMessageTopology())), configure) { }

    private PromptBusFactory(PromptBus bus, Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator> configure)
        : base(bus.Host) => (_bus, _configure) = (bus, configure);

    public override IBusInstance CreateBus(
        IBusRegistrationContext context,
        IEnumerable<IBusInstanceSpecification> specifications,
        string busName
    ) => CreateBus(new RabbitMqBusFactoryConfigurator(_bus), context, _configure, specifications);

    // MassTransit's own configuration with another host.
    private sealed class PromptBus : RabbitMqBusConfiguration, IRabbitMqBusConfiguration
    {
        public PromptBus(IRabbitMqTopologyConfiguration topology)
            : base(topology) => Host = new PromptHost(this, topology);

        public PromptHost Host { get; }

        IRabbitMqHostConfiguration IRabbitMqBusConfiguration.HostConfiguration => Host;

        IHostConfiguration IBusConfiguration.HostConfiguration => Host;

        ConnectHandle IEndpointConfigurationObserverConnector.ConnectEndpointConfigurationObserver(
            IEndpointConfigurationObserver observer
        ) => Host.ConnectEndpointConfigurationObserver(observer);
    }

    // For receiving and for sending. MassTransit waits another second before each try.
    private sealed class PromptHost(IRabbitMqBusConfiguration bus, IRabbitMqTopologyConfiguration topology)
        : RabbitMqHostConfiguration(bus, topology)
    {
        private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);

        // As MassTransit's, except that a refused password is no end: a broker that starts may know its users a moment later.
        public override IRetryPolicy ReceiveTransportRetryPolicy { get; } =
            Retry.CreatePolicy(retry =>
            {
                retry.Handle<ConnectionException>();
                retry.Handle<AlreadyClosedException>();
                retry.Handle<EndOfStreamException>();
                retry.Handle<OperationInterruptedException>();
                retry.Handle<NotSupportedException>(exception =>
                    exception.Message.Contains("Pipelining of requests forbidden", StringComparison.Ordinal)
                );
                retry.Exponential(int.MaxValue, _pause, _pause, _pause);
            });
    }
}
