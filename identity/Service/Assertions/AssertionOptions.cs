namespace Platform.Identity.Service.Assertions;

/// <summary>How long caller assertions and the keys that sign them live.</summary>
internal sealed class AssertionOptions
{
    public const string Section = "Assertions";

    /// <summary>How long an assertion holds.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A key signs for this long.</summary>
    public TimeSpan RotateEvery { get; set; } = TimeSpan.FromDays(7);

    /// <summary>A new key is published for this long before it signs.</summary>
    public TimeSpan PublishBefore { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>An old key is published for this long after the last assertion that it signed has died.</summary>
    public TimeSpan KeepAfter { get; set; } = TimeSpan.FromMinutes(10);
}
