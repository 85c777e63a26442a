using System.Reflection;
using ModelContextProtocol.Protocol;

namespace Platform.Edge.Http;

/// <summary>How the server introduces itself.</summary>
internal static class ServerInfo
{
    public static readonly Implementation Value = new()
    {
        Name = "platform",
        Title = "Platform",
        Version = typeof(ServerInfo)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0]
            ?? "1.0.0",
    };
}
