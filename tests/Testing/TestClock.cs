namespace Platform.Testing;

/// <summary>The system's clock, moved by hand. Timers run in real time, or faster by the factor that is given.</summary>
public sealed class TestClock : TimeProvider
{
    private TimeSpan _moved;

    /// <summary>Of timers made from now on.</summary>
    public double Speed { get; set; } = 1;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _moved;

    public void Advance(TimeSpan by) => _moved += by;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, Shorten(dueTime), Shorten(period));

    private TimeSpan Shorten(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? time : time / Speed;
}
