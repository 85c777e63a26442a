using Platform.Contracts;
using Platform.ServiceDefaults.Events;

namespace Platform.Testing;

/// <summary>What a service published, in order, instead of a broker.</summary>
public sealed class PublishedEvents
{
    private readonly Lock _lock = new();
    private readonly List<EventEnvelope> _events = [];
    private readonly List<int> _batches = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>When set, publishing fails: the broker is away.</summary>
    public bool IsDown { get; set; }

    /// <summary>When set, publishing never ends: the broker died with the batch.</summary>
    public bool IsSilent { get; set; }

    /// <summary>How many batches were given to a silent broker.</summary>
    public int Unanswered { get; private set; }

    public IReadOnlyList<EventEnvelope> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _events];
            }
        }
    }

    /// <summary>How many events came at once, each time.</summary>
    public IReadOnlyList<int> Batches
    {
        get
        {
            lock (_lock)
            {
                return [.. _batches];
            }
        }
    }

    /// <summary>The first event that matches, published already or within 10 s.</summary>
    public async Task<EventEnvelope> WaitAsync(Func<EventEnvelope, bool> match)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (_events.FirstOrDefault(match) is { } found)
                {
                    return found;
                }

                more = _more.Task;
            }

            await more.WaitAsync(patience.Token);
        }
    }

    internal void Add(EventBatch batch)
    {
        lock (_lock)
        {
            _events.AddRange(batch.Events);
            _batches.Add(batch.Events.Count);
            _more.SetResult();
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>How far the relay said that it was, the last time; null until it has.</summary>
    public OutboxProgress? Progress { get; private set; }

    internal sealed class Publisher(PublishedEvents events) : IEventPublisher
    {
        public bool TellsProgress => true;

        public Task PublishAsync(OutboxProgress progress, CancellationToken cancellationToken)
        {
            if (events.IsDown)
            {
                throw new InvalidOperationException("The broker is down.");
            }

            events.Progress = progress;
            return Task.CompletedTask;
        }

        public Task PublishAsync(EventBatch batch, CancellationToken cancellationToken)
        {
            if (events.IsDown)
            {
                throw new InvalidOperationException("The broker is down.");
            }

            if (events.IsSilent)
            {
                events.Unanswered++;
                return new TaskCompletionSource().Task;
            }

            events.Add(batch);
            return Task.CompletedTask;
        }
    }
}
