using System.Globalization;
using Platform.Contracts;

namespace Platform.Audit.Service.Sequencing;

/// <summary>A signed statement: at this time the log of this workspace had this many events, and this Merkle root over them.</summary>
internal sealed record Checkpoint(Guid WorkspaceId, long Size, byte[] Root, DateTimeOffset MadeAt)
{
    /// <summary>At most this many events wait for a checkpoint.</summary>
    public const int MaxEvents = 1000;

    /// <summary>At most this long. A look a little earlier keeps the 10 s that we promise.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(8);

    /// <summary>Four lines: origin, size, root in base64, time. This text is what is signed.</summary>
    public string ToText() =>
        string.Create(
                CultureInfo.InvariantCulture,
                $"""
                platform-audit/{Ids.Format("wks", WorkspaceId)}
                {Size}
                {Convert.ToBase64String(Root)}
                {MadeAt.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}

                """
            )
            .ReplaceLineEndings("\n");
}
