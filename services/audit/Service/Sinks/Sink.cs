namespace Platform.Audit.Service.Sinks;

/// <summary>Where a stream goes, opened for one delivery. Never stored or logged.</summary>
/// <param name="Address">The Datadog site, or the URL.</param>
/// <param name="PreviousSecret">Still valid beside the secret, for a while after a rotation.</param>
internal sealed record Destination(
    string Address,
    string Secret,
    string? PreviousSecret,
    IReadOnlyList<string> Tags,
    string StreamId,
    string WorkspaceId
)
{
    public IEnumerable<string> Secrets => PreviousSecret is null ? [Secret] : [Secret, PreviousSecret];
}

/// <summary>One event of the log on its way out.</summary>
/// <param name="Body">The exact bytes that the log hashed.</param>
internal sealed record OutgoingEvent(
    long Sequence,
    string Id,
    string Action,
    string Outcome,
    DateTimeOffset OccurredAt,
    DateTimeOffset RecordedAt,
    byte[] Body
);

/// <summary>A signed checkpoint on its way out, so that the receiver becomes a witness.</summary>
internal sealed record OutgoingCheckpoint(
    long Size,
    byte[] Root,
    DateTimeOffset MadeAt,
    string Body,
    string KeyId,
    string KeyType,
    byte[] PublicKey,
    byte[] Signature
);

/// <summary>A kind of destination: its wire format, its limits, what its answers mean.</summary>
internal interface ISink
{
    /// <summary>As <c>audit.stream.type</c> names it.</summary>
    string Type { get; }

    int MaxEntries { get; }

    /// <summary>Of a whole payload, before compression.</summary>
    int MaxPayloadBytes { get; }

    /// <summary>Of one entry; a longer one is never sent, because it would be cut off.</summary>
    int MaxEntryBytes { get; }

    /// <summary>Events that happened longer ago are not taken by the destination.</summary>
    TimeSpan MaxAge { get; }

    byte[] Encode(Destination destination, OutgoingEvent happened);

    byte[] Encode(Destination destination, OutgoingCheckpoint checkpoint);

    byte[] EncodeTest(Destination destination, string id, DateTimeOffset now);

    /// <summary>Sends encoded entries within the limits above. What goes wrong is part of the answer; only cancellation throws.</summary>
    Task<SinkAnswer> SendAsync(Destination destination, IReadOnlyList<byte[]> entries, CancellationToken cancellationToken);
}

internal enum SinkVerdict
{
    Accepted,

    /// <summary>The same again later: nothing says that it was taken.</summary>
    Retry,

    /// <summary>Too large as a whole: send less at a time.</summary>
    TooLarge,

    /// <summary>The destination will not take this content.</summary>
    Rejected,

    /// <summary>The destination does not know the secret, or is gone for good. Nobody but a person can mend that.</summary>
    Unauthorized,

    /// <summary>The address is none that a stream may go to. Nothing was sent.</summary>
    Forbidden,
}

/// <param name="Status">The HTTP status, when there was one.</param>
/// <param name="Message">What the destination said, scrubbed and short.</param>
/// <param name="RetryAfter">When the destination asked for it.</param>
internal sealed record SinkAnswer(SinkVerdict Verdict, int? Status, string Message, TimeSpan? RetryAfter = null);
