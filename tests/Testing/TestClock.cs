namespace Platform.Testing;

/// <summary>The system's clock, moved by hand. Timers run in real time.</summary>
public sealed class TestClock : TimeProvider
{
    private TimeSpan _moved;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _moved;

    public void Advance(TimeSpan by) => _moved += by;
}
