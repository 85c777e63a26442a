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

/// <summary>
/// Sees events as they pass, in every replica, to drop what it keeps in memory and they make stale. What passes while there is no
/// connection is missed: between <see cref="Interrupted"/> and <see cref="Began"/> nothing that is kept can be relied on.
/// </summary>
public interface IEventFollower
{
    /// <summary>From here on every event that is published is seen.</summary>
    void Began();

    void Interrupted();

    void Saw(EventBatch batch);

    void Saw(OutboxProgress progress);
}
