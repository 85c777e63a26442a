using System.Text;
using System.Text.Json;

namespace Aspire.Hosting.Native;

internal static class LaunchSettingsFile
{
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    public static LaunchSettings? Read(string projectPath)
    {
        var file = Path.Combine(Path.GetDirectoryName(projectPath)!, "Properties", "launchSettings.json");
        return File.Exists(file) ? JsonSerializer.Deserialize<LaunchSettings>(File.ReadAllText(file), s_options) : null;
    }

    /// <summary>The named profile, else the AppHost's if the project has one of that name, else the first that can be run.</summary>
    public static (string Name, LaunchProfile Profile)? Choose(
        LaunchSettings? settings, ProjectResourceOptions options, string resource, string? appHostProfile)
    {
        if (options.ExcludeLaunchProfile)
            return null;
        if (options.LaunchProfileName is { } name)
        {
            return settings?.Profiles.TryGetValue(name, out var named) == true
                ? (name, named)
                : throw new DistributedApplicationException($"Launch settings file of the project '{resource}' does not contain '{name}' profile.");
        }
        if (settings is null)
            return null;
        if (appHostProfile is not null && settings.Profiles.TryGetValue(appHostProfile, out var same))
            return (appHostProfile, same);
        foreach (var (key, profile) in settings.Profiles)
        {
            if (profile.CommandName is null or "" or "Project" or "Executable")
                return (key, profile);
        }
        return null;
    }

    /// <summary>A command line cut at spaces outside double quotes.</summary>
    public static IEnumerable<string> Arguments(string? commandLine)
    {
        var current = new StringBuilder();
        var (quoted, any) = (false, false);
        foreach (var character in commandLine ?? "")
        {
            if (character == '"')
            {
                (quoted, any) = (!quoted, true);
            }
            else if (character == ' ' && !quoted)
            {
                if (any)
                    yield return current.ToString();
                current.Clear();
                any = false;
            }
            else
            {
                current.Append(character);
                any = true;
            }
        }
        if (any)
            yield return current.ToString();
    }
}
