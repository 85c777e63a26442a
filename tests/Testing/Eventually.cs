using Xunit;

namespace Platform.Testing;

/// <summary>Waits for what workers of the service do in their own time.</summary>
public static class Eventually
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    public static async Task AsyncTrue(Func<Task<bool>> holds, Func<string> what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        for (var began = TimeProvider.System.GetTimestamp(); !await holds();)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < _patience, $"Waited in vain for {what()}.");
            await timer.WaitForNextTickAsync();
        }
    }

    public static Task True(Func<bool> holds, Func<string> what) => AsyncTrue(() => Task.FromResult(holds()), what);
}
