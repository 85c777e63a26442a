namespace Platform.Identity.Service.Callers;

/// <summary>What holds while directory does not answer.</summary>
internal sealed class MemberOptions
{
    public const string Section = "Members";

    /// <summary>How long callers go on as the members that they were last known as, counted from directory's last sign of life. Zero: not
    /// at all.</summary>
    public TimeSpan LastKnownFor { get; set; } = TimeSpan.FromMinutes(60);
}
