using Platform.ServiceDefaults.Telemetry;

namespace Platform.Servers;

/// <summary>The Keycloak that a machine without containers has.</summary>
internal static class KeycloakDistribution
{
    /// <summary>
    /// A folder, or an archive, that <c>keycloak.sh</c> can run: the one that the variable <c>KEYCLOAK_HOME</c> names, otherwise
    /// <c>../shared/keycloak*</c> beside the checkout.
    /// </summary>
    /// <param name="checkout">The repository's root.</param>
    /// <param name="reason">Why there is none.</param>
    /// <exception cref="WrongSettingException"><c>KEYCLOAK_HOME</c> names something else.</exception>
    public static string? Find(string checkout, out string reason)
    {
        reason = "";
        var found = Locate(checkout);
        if (found is null)
        {
            reason = "There is no Keycloak: KEYCLOAK_HOME is not set, and there is no ../shared/keycloak*.";
        }
        else if (!HasJava())
        {
            reason = "There is a Keycloak, but no Java to run it. On Debian: apt-get install openjdk-17-jre-headless";
            found = null;
        }

        return found;
    }

    private static string? Locate(string checkout)
    {
        if (Environment.GetEnvironmentVariable("KEYCLOAK_HOME") is { Length: > 0 } home)
        {
            return IsDistribution(home)
                ? Path.GetFullPath(home)
                : throw new WrongSettingException(
                    $"The variable KEYCLOAK_HOME is {home}. It must name a Keycloak's folder, and there is no bin/kc.sh in it."
                );
        }

        var shared = Path.GetFullPath(Path.Combine(checkout, "..", "shared"));
        return Directory.Exists(shared)
            ? Directory.GetDirectories(shared, "keycloak*").Where(IsDistribution).OrderDescending().FirstOrDefault()
                ?? Directory.GetFiles(shared, "keycloak*.tar.gz").OrderDescending().FirstOrDefault()
            : null;
    }

    private static bool IsDistribution(string folder) => File.Exists(Path.Combine(folder, "bin", "kc.sh"));

    private static bool HasJava() =>
        Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } home && File.Exists(Path.Combine(home, "bin", "java"))
        || (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => File.Exists(Path.Combine(folder, "java")));
}
