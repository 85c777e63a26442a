using System.ComponentModel.DataAnnotations;

namespace Platform.Audit.Service.Sinks;

/// <summary>What the operator sets for the sinks (<c>Audit:Sinks</c>).</summary>
internal sealed record SinkOptions
{
    /// <summary>Intake base address by Datadog site, for a proxy or a receiver of one's own. Default: Datadog's own.</summary>
    public Dictionary<string, Uri> Datadog { get; init; } = [];

    [Range(1, 60)]
    public int TimeoutSeconds { get; init; } = 15;

    public Uri DatadogAddress(string site) =>
        Datadog.TryGetValue(site, out var address) ? address : new Uri($"https://http-intake.logs.{site}");
}
