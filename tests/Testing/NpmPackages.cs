using System.Diagnostics;

namespace Platform.Testing;

/// <summary>npm packages that a test runs, as its lock file names them.</summary>
public static class NpmPackages
{
    /// <summary>
    /// Copies <paramref name="sources"/> to <paramref name="folder"/> and installs what their lock file says, unless it is already there.
    /// </summary>
    public static async Task InstallAsync(string sources, string folder, CancellationToken cancellationToken)
    {
        System.IO.Directory.CreateDirectory(folder);
        var stamp = Path.Combine(folder, "installed-lock.json");
        var wanted = await File.ReadAllTextAsync(Path.Combine(sources, "package-lock.json"), cancellationToken);
        foreach (var file in System.IO.Directory.EnumerateFiles(sources))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        }

        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp, cancellationToken) == wanted)
        {
            return;
        }

        var (exitCode, output) = await RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder, cancellationToken);
        if (exitCode != 0)
        {
            throw new InvalidOperationException(output);
        }

        await File.WriteAllTextAsync(stamp, wanted, cancellationToken);
    }

    /// <summary>Runs a program to its end and returns its exit code with all that it wrote.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string program,
        IEnumerable<string> arguments,
        string folder,
        CancellationToken cancellationToken
    )
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        try
        {
            var output = await Task.WhenAll(
                process.StandardOutput.ReadToEndAsync(cancellationToken),
                process.StandardError.ReadToEndAsync(cancellationToken)
            );
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, string.Join('\n', output));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
