using System.Collections.Concurrent;
using Grpc.Core;

namespace Platform.ServiceDefaults.Calls;

/// <summary>An assertion of a service that acts by itself.</summary>
public sealed record ServiceAssertion(string Text, DateTimeOffset ExpiresAt);

/// <summary>
/// The assertions that this service calls others with as itself, one for each audience. Each is kept until shortly before it expires, and
/// one request at a time asks for the next.
/// </summary>
/// <param name="issue">Gets a fresh assertion for an audience, from identity or, in identity itself, from its own key.</param>
public sealed class ServiceAssertions(Func<string, CancellationToken, Task<ServiceAssertion>> issue, TimeProvider time)
{
    // A call that begins with an assertion must end before it expires.
    private static readonly TimeSpan _margin = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Kept> _kept = new();

    /// <summary>The metadata of a call to <paramref name="audience"/>.</summary>
    public async ValueTask<Metadata> HeadersAsync(string audience, CancellationToken cancellationToken) =>
        new() { { "authorization", $"Bearer {await GetAsync(audience, cancellationToken)}" } };

    /// <summary>Drops what is kept for an audience, because it was refused there.</summary>
    public void Forget(string audience) => _kept.TryRemove(audience, out _);

    private async ValueTask<string> GetAsync(string audience, CancellationToken cancellationToken)
    {
        var kept = _kept.GetOrAdd(audience, static _ => new Kept());
        if (IsFresh(kept.Assertion))
        {
            return kept.Assertion!.Text;
        }

        await kept.Renewing.WaitAsync(cancellationToken);
        try
        {
            if (!IsFresh(kept.Assertion))
            {
                kept.Assertion = await issue(audience, cancellationToken);
            }

            return kept.Assertion!.Text;
        }
        finally
        {
            kept.Renewing.Release();
        }
    }

    private bool IsFresh(ServiceAssertion? assertion) => assertion is not null && assertion.ExpiresAt - _margin > time.GetUtcNow();

    private sealed class Kept
    {
        // One reference, so that a reader never sees the text of one with the time of another.
        private volatile ServiceAssertion? _assertion;

        public SemaphoreSlim Renewing { get; } = new(1, 1);

        public ServiceAssertion? Assertion
        {
            get => _assertion;
            set => _assertion = value;
        }
    }
}
