using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Platform.AppHost.StartUp;

/// <summary>Says in one line what has come up, or has failed, and where its output is.</summary>
internal static class Progress
{
    public static void PrintProgress(this IDistributedApplicationBuilder builder) =>
        builder.RunBeside(
            async (services, stopping) =>
            {
                var began = TimeProvider.System.GetTimestamp();
                var said = new Dictionary<string, string>(StringComparer.Ordinal);
                await foreach (var change in services.GetRequiredService<ResourceNotificationService>().WatchAsync(stopping))
                {
                    if (change.Snapshot.State?.Text != KnownResourceStates.Running && change.Resource is ContainerResource)
                    {
                        // When it is up again, that is news.
                        said.Remove(change.Resource.Name);
                    }

                    if (
                        !change.Snapshot.IsHidden
                        && Describe(change, builder.Logs()) is { } line
                        && said.GetValueOrDefault(change.Resource.Name) != line
                    )
                    {
                        said[change.Resource.Name] = line;
                        Console.WriteLine($"{TimeProvider.System.GetElapsedTime(began).TotalSeconds, 6:F0} s  {line}");
                    }
                }
            }
        );

    private static string? Describe(ResourceEvent change, string logs)
    {
        var (name, state) = (change.Resource.Name, change.Snapshot.State?.Text);
        if (state == KnownResourceStates.Running)
        {
            var isUp =
                change.Snapshot.HealthStatus == HealthStatus.Healthy && change.Resource.Annotations.OfType<HealthCheckAnnotation>().Any();
            return isUp && change.Resource is (ProjectResource or ContainerResource) ? $"{name} is up" : null;
        }

        if (!KnownResourceStates.TerminalStates.Contains(state) || change.Resource is not (ProjectResource or ExecutableResource))
        {
            return null;
        }

        return change.Snapshot.ExitCode switch
        {
            0 => $"{name} is done",
            null => $"{name} did not start. {WhatNow(logs, name)}",
            var code => $"{name} ended with exit code {code}. {WhatNow(logs, name)}",
        };
    }

    private static string WhatNow(string logs, string name) =>
        $"Its output is in {Path.Combine(logs, $"{name}.log")}; the dashboard can start it again";
}
