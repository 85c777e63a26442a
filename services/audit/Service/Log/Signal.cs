namespace Platform.Audit.Service.Log;

/// <summary>Tells a worker of this process that there is work, so that it does not wait for its next look.</summary>
internal abstract class Signal : IDisposable
{
    private readonly SemaphoreSlim _set = new(0, 1);

    public void Set()
    {
        try
        {
            _set.Release();
        }
        catch (SemaphoreFullException)
        {
            // Set already, and nobody has looked since.
        }
    }

    public Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _set.WaitAsync(atMost, cancellationToken);

    public void Dispose() => _set.Dispose();
}

/// <summary>Something arrived that has no sequence yet.</summary>
internal sealed class ArrivalSignal : Signal;

/// <summary>Something got a sequence, or a checkpoint, or a stream was made.</summary>
internal sealed class LogSignal : Signal;
