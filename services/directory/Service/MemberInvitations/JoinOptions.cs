using System.ComponentModel.DataAnnotations;

namespace Platform.Directory.Service;

/// <summary>How people who accept an invitation come by an account. Bound from the section <c>Join</c>.</summary>
internal sealed class JoinOptions
{
    /// <summary>The directory's secret at identity, which makes accounts for it. Empty: whoever accepts has an account already, or is given one.</summary>
    [MaxLength(1000)]
    public string ServiceSecret { get; set; } = "";
}
