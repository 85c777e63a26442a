namespace Platform.AppHost.StartUp;

/// <summary>The way out that a person's shell names, such as a company's proxy.</summary>
internal static class Proxies
{
    private const string Loopback = "localhost,127.0.0.1,::1";

    /// <summary>
    /// What runs on this machine talks to itself directly. .NET would ask the proxy of <c>http_proxy</c> or <c>https_proxy</c> for loopback
    /// addresses too, and the AppHost would never reach its orchestrator. Whatever is started from here inherits it.
    /// </summary>
    public static void AreNotForLoopback()
    {
        foreach (var name in (string[])["no_proxy", "NO_PROXY"])
        {
            var others = Environment.GetEnvironmentVariable(name);
            Environment.SetEnvironmentVariable(name, string.IsNullOrEmpty(others) ? Loopback : $"{others},{Loopback}");
        }
    }
}
