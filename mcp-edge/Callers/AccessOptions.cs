using System.ComponentModel.DataAnnotations;

namespace Platform.Edge.Callers;

/// <summary>How callers are told apart and how much each may ask. Bound from the section <c>Edge:Access</c>.</summary>
public sealed record AccessOptions
{
    /// <summary>
    /// Where the issuer is reached from here, when that is another address than the one in tokens. Empty: the issuer itself.
    /// </summary>
    public string InternalIssuer { get; init; } = "";

    /// <summary>The edge's secret at identity, which gives it assertions of its own: to ask about callers, and to record calls.</summary>
    [Required]
    public string ServiceSecret { get; init; } = "";

    /// <summary>How long a decision of identity holds. Revocations take effect within it, so it never exceeds half a second.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:00.500")]
    public TimeSpan CallerLifetime { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Reads a token may make in a second.</summary>
    [Range(1, 1_000_000)]
    public int ReadsPerSecond { get; init; } = 40;

    /// <summary>Writes a token may make in a second.</summary>
    [Range(1, 1_000_000)]
    public int WritesPerSecond { get; init; } = 30;

    /// <summary>
    /// Requests for the page of invitations that one address may make in a minute. A proxy that <c>Edge:Proxies</c> does not name is one
    /// address, whoever is behind it.
    /// </summary>
    [Range(1, 1_000_000)]
    public int JoinsPerAddress { get; init; } = 120;

    /// <summary>Requests about one invitation in a minute, wherever they come from.</summary>
    [Range(1, 1_000_000)]
    public int JoinsPerInvitation { get; init; } = 20;

    /// <summary>How many clients may register themselves from one address in a minute.</summary>
    [Range(1, 1_000_000)]
    public int RegistrationsPerAddress { get; init; } = 20;

    /// <summary>How long a call may take before it is given up.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
