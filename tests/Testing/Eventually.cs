using System.Runtime.CompilerServices;

namespace Platform.Testing;

/// <summary>
/// Waits for what others do in their own time. Patience costs time only where a test fails; the failure says what it waited for, or shows
/// the code of the condition.
/// </summary>
public static class Eventually
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);

    public static Task True(Func<bool> holds, Func<string>? what = null, [CallerArgumentExpression(nameof(holds))] string code = "") =>
        AsyncTrue(() => Task.FromResult(holds()), what, code);

    public static Task AsyncTrue(
        Func<Task<bool>> holds,
        Func<string>? what = null,
        [CallerArgumentExpression(nameof(holds))] string code = ""
    ) => AsyncFound(async () => await holds() ? "" : null, what, code);

    public static Task<T> Found<T>(Func<T?> find, Func<string>? what = null, [CallerArgumentExpression(nameof(find))] string code = "")
        where T : class => AsyncFound(() => Task.FromResult(find()), what, code);

    /// <summary>What was looked for, as soon as it is there.</summary>
    public static async Task<T> AsyncFound<T>(
        Func<Task<T?>> find,
        Func<string>? what = null,
        [CallerArgumentExpression(nameof(find))] string code = ""
    )
        where T : class
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        for (var began = TimeProvider.System.GetTimestamp(); ; )
        {
            if (await find() is { } found)
            {
                return found;
            }

            Xunit.Assert.True(TimeProvider.System.GetElapsedTime(began) < _patience, $"Waited in vain for {what?.Invoke() ?? code}.");
            await timer.WaitForNextTickAsync(Xunit.TestContext.Current.CancellationToken);
        }
    }
}
