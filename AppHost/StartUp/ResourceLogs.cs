using Microsoft.Extensions.DependencyInjection;
using Platform.ServiceDefaults;

namespace Platform.AppHost.StartUp;

/// <summary>What each resource says, in <c>artifacts/logs/[resource].log</c>, of the last run. The dashboard shows the same.</summary>
internal static class ResourceLogs
{
    public static string Logs(this IDistributedApplicationBuilder builder) => Path.Combine(builder.Artifacts(), "logs");

    public static void WriteLogs(this IDistributedApplicationBuilder builder) =>
        builder.RunBeside(
            (services, stopped) =>
            {
                OwnersFile.CreateFolder(builder.Logs());
                foreach (var old in Directory.EnumerateFiles(builder.Logs(), "*.log"))
                {
                    File.Delete(old);
                }

                var loggers = services.GetRequiredService<ResourceLoggerService>();
                return Task.WhenAll(
                    services
                        .GetRequiredService<DistributedApplicationModel>()
                        .Resources.Where(resource => resource is ProjectResource or ExecutableResource or ContainerResource)
                        .Select(resource => WriteAsync(loggers, resource, Path.Combine(builder.Logs(), $"{resource.Name}.log"), stopped))
                );
            },
            untilStopped: true
        );

    private static async Task WriteAsync(ResourceLoggerService loggers, IResource resource, string path, CancellationToken stopped)
    {
        var complains = true;
        await foreach (var lines in loggers.WatchAsync(resource).WithCancellation(stopped))
        {
            try
            {
                await using var file = new StreamWriter(OwnersFile.Open(path, FileMode.Append, share: FileShare.ReadWrite));
                foreach (var line in lines)
                {
                    await file.WriteLineAsync(line.Content);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The dashboard has the lines too; nothing ends because a copy of them is missing.
                if (complains)
                {
                    await Console.Error.WriteLineAsync($"{path} lacks lines: {exception.Message}");
                    complains = false;
                }
            }
        }
    }
}
