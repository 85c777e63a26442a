using Platform.Audit.Service.Sinks;

namespace Platform.Audit.Service.Streams;

/// <summary>One request's worth of a stream, within the limits of its sink.</summary>
internal sealed class StreamPayload(ISink sink, StreamState stream, int limit)
{
    // The brackets of the array; every entry adds a comma at most.
    private long _bytes = 2;

    public List<byte[]> Entries { get; } = [];

    public List<OutgoingEvent> Events { get; } = [];

    /// <summary>The last sequence that this settles when it is accepted: sent or filtered out.</summary>
    public long Through { get; private set; } = stream.DeliveredThrough;

    public long CheckpointThrough { get; private set; } = stream.CheckpointThrough;

    /// <summary>The event that no request can carry: too old, or too large by itself.</summary>
    public OutgoingEvent? StoppedBy { get; private set; }

    public int Room => Math.Max(0, limit - Entries.Count);

    /// <summary>False when the payload is full, or the event cannot be sent at all.</summary>
    public bool TryAdd(OutgoingEvent happened, DateTimeOffset oldest)
    {
        if (!stream.Filter.Passes(happened.Action) || !stream.Scope.Carries(happened.EnvironmentId))
        {
            Through = happened.Sequence;
            return true;
        }

        if (happened.OccurredAt < oldest)
        {
            StoppedBy = happened;
            return false;
        }

        var entry = sink.Encode(stream.Destination, happened);
        if (entry.Length >= sink.MaxEntryBytes)
        {
            StoppedBy = happened;
            return false;
        }

        if (!TryAdd(entry))
        {
            return false;
        }

        Events.Add(happened);
        Through = happened.Sequence;
        return true;
    }

    /// <summary>An old checkpoint is passed over: the ones after it say the same and more.</summary>
    public void Add(OutgoingCheckpoint checkpoint, DateTimeOffset oldest)
    {
        if (checkpoint.MadeAt < oldest || TryAdd(sink.Encode(stream.Destination, checkpoint)))
        {
            CheckpointThrough = checkpoint.Size;
        }
    }

    private bool TryAdd(byte[] entry)
    {
        if (Entries.Count == limit || _bytes + entry.Length + 1 > sink.MaxPayloadBytes)
        {
            return false;
        }

        _bytes += entry.Length + 1;
        Entries.Add(entry);
        return true;
    }
}
