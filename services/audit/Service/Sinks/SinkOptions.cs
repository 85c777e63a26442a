using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Platform.Audit.Service.Sinks;

/// <summary>What the operator sets for the sinks (<c>Audit:Sinks</c>).</summary>
internal sealed record SinkOptions
{
    /// <summary>Intake base address by Datadog site, for a proxy or a receiver of one's own. Default: Datadog's own.</summary>
    public Dictionary<string, Uri> Datadog { get; init; } = [];

    /// <summary>
    /// Private networks that streams may reach, such as <c>10.20.0.0/16</c>, for receivers of your own. Nothing opens loopback or
    /// link-local addresses.
    /// </summary>
    public List<string> AllowedNetworks { get; init; } = [];

    /// <summary>How long a destination may take to answer.</summary>
    [Range(1, 60)]
    public int TimeoutSeconds { get; init; } = 15;

    public Uri DatadogAddress(string site) =>
        Datadog.TryGetValue(site, out var address) ? address : new Uri($"https://http-intake.logs.{site}");

    /// <summary>Null when one of them is not a network, or not a private one.</summary>
    public IReadOnlyList<IPNetwork>? ParseNetworks()
    {
        var networks = new List<IPNetwork>();
        foreach (var text in AllowedNetworks)
        {
            if (!IPNetwork.TryParse(text, out var network) || !OutboundConnections.IsPrivate(network))
            {
                return null;
            }

            networks.Add(network);
        }

        return networks;
    }
}
