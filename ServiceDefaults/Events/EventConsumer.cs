using Platform.Contracts;

namespace Platform.ServiceDefaults.Events;

/// <summary>
/// Takes events off the bus. A batch comes again until the consumer returns: it drops what it has seen by event id, in the transaction
/// of its effect.
/// </summary>
public interface IEventConsumer
{
    Task ConsumeAsync(EventBatch batch, CancellationToken cancellationToken);
}
