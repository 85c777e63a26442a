namespace Platform.ServiceDefaults.State;

/// <summary>Tells the relay of this process that there are new outbox rows, so that it does not wait for its next look.</summary>
public sealed class OutboxSignal : IDisposable
{
    private readonly SemaphoreSlim _set = new(0, 1);

    public void Set()
    {
        if (_set.CurrentCount == 0)
        {
            try
            {
                _set.Release();
            }
            catch (SemaphoreFullException)
            {
                // Somebody else set it between the look and the release: it is set.
            }
        }
    }

    public Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _set.WaitAsync(atMost, cancellationToken);

    public void Dispose() => _set.Dispose();
}
