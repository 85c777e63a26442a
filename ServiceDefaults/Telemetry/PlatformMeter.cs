using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Platform.ServiceDefaults.Telemetry;

/// <summary>The one meter of a service. Instruments are named <c>platform.&lt;thing&gt;.&lt;what&gt;</c>.</summary>
public static class PlatformMeter
{
    public const string Name = "Platform";

    public static Meter Instance { get; } = new(Name);
}

/// <summary>The one activity source of a service.</summary>
public static class PlatformActivity
{
    public static ActivitySource Source { get; } = new(PlatformMeter.Name);
}
