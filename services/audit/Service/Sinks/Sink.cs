using Platform.Audit.Contracts.V1;

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
/// <param name="EnvironmentId">Null for what belongs to the workspace as a whole.</param>
/// <param name="Body">The exact bytes that the log hashed.</param>
internal sealed record OutgoingEvent(
    long Sequence,
    string Id,
    string Action,
    string Outcome,
    Guid? EnvironmentId,
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

/// <summary>What a request for a new stream says about its destination.</summary>
/// <param name="Secret">Null when none was given, and one is to be made.</param>
internal sealed record NewDestination(string Address, string? Secret, IReadOnlyList<string> Tags);

/// <summary>What the address of a destination is.</summary>
internal enum AddressForm
{
    /// <summary>The name of a site, or a URL, that stays as it is. Answers show it as <c>site</c>.</summary>
    Site,

    /// <summary>
    /// A URL that may be changed; answers show it as <c>url</c>. Only for a secret that is ours: one that the destination gave out would
    /// be sent to whoever the new URL names.
    /// </summary>
    Url,
}

/// <summary>
/// A kind of destination. The class is the one place that knows its name, the form of its address, whose its secret is, its wire format,
/// its limits, and what its answers mean. It is found by being here.
/// </summary>
internal interface ISink
{
    /// <summary>
    /// As <c>audit.stream.type</c> has it. The contract (<c>sinks.proto</c>, beside the sinks) allows the same name, and has a field of
    /// that name for what a new stream of this type needs.
    /// </summary>
    string Type { get; }

    AddressForm AddressForm { get; }

    /// <summary>
    /// Whether we make the secret: then it signs, people with audit:write can read it, and the one before signs too for a while after a
    /// change. Otherwise the destination gave it out, and it is never shown. Tools name it <c>secret</c> if it is ours, else
    /// <c>apiKey</c>.
    /// </summary>
    bool IsSecretOurs { get; }

    /// <summary>What to do when the destination refuses a test.</summary>
    string FixOfRefusal { get; }

    int MaxEntries { get; }

    /// <summary>The limit of a whole payload, before compression.</summary>
    int MaxPayloadBytes { get; }

    /// <summary>
    /// The limit of one entry, at least two bytes below that of a payload, whose brackets count. A longer one is never sent, because the
    /// destination would cut it off.
    /// </summary>
    int MaxEntryBytes { get; }

    /// <summary>The destination does not take events that happened longer ago.</summary>
    TimeSpan MaxAge { get; }

    /// <summary>The destination in the field of this type; null when it is missing.</summary>
    NewDestination? Read(CreateAuditStreamRequest request);

    /// <summary>A new address in its normal form.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: a stream may not have it.</exception>
    string CheckAddress(string address, string field) => address;

    /// <summary>A new secret, as it is.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: it does not have the form of one.</exception>
    string CheckSecret(string secret, string field) => secret;

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

    /// <summary>
    /// The destination will not take this content. If it takes a test, a single entry of which it says so is left out for good.
    /// </summary>
    Rejected,

    /// <summary>The destination does not accept the secret, or is gone for good. Only a person can fix that.</summary>
    Unauthorized,

    /// <summary>A stream may not go to this address. Nothing was sent.</summary>
    Forbidden,

    /// <summary>
    /// Its name does not resolve, or no route leads there. That can pass, so a stream that is there tries again; a new address is refused.
    /// </summary>
    NoRoute,
}

/// <param name="Status">The HTTP status, when there was one.</param>
/// <param name="Message">What the destination said, scrubbed and short.</param>
/// <param name="RetryAfter">When the destination asked for it.</param>
internal sealed record SinkAnswer(SinkVerdict Verdict, int? Status, string Message, TimeSpan? RetryAfter = null);
