using System.Diagnostics;
using Platform.Demo;

namespace Platform.EndToEnd.Tests;

/// <summary>What deployment tools are told of the suite.</summary>
public sealed class ManifestTests
{
    private static readonly string _snapshot = Path.Combine(Checkout.Root, "tests", "EndToEnd.Tests", "aspire-manifest.json");

    [Fact]
    public async Task The_manifest_is_as_it_was_reviewed()
    {
        var written = await PublishAsync();
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            await File.WriteAllTextAsync(_snapshot, written, TestContext.Current.CancellationToken);
        }

        Assert.Equal(await File.ReadAllTextAsync(_snapshot, TestContext.Current.CancellationToken), written);
    }

    [Fact]
    public async Task The_manifest_holds_no_secret_and_no_place_of_this_machine()
    {
        var written = await PublishAsync();
        Assert.DoesNotContain(Checkout.Root, written, StringComparison.Ordinal);
        Assert.DoesNotContain("localhost", written, StringComparison.Ordinal);
        Assert.DoesNotContain("Demo__", written, StringComparison.Ordinal);
    }

    // As somebody would from the AppHost's folder, with the environment of its launch profile.
    private static async Task<string> PublishAsync()
    {
        var folder = System.IO.Directory.CreateDirectory(Path.Combine(Checkout.Root, "artifacts", $"manifest-{Guid.NewGuid():n}"));
        try
        {
            var output = new DirectoryInfo(AppContext.BaseDirectory);
            var program = Path.Combine(Checkout.Root, "AppHost", "bin", output.Parent!.Name, output.Name, "Platform.AppHost.dll");
            var start = new ProcessStartInfo("dotnet", [program, "--publisher", "manifest", "--output-path", folder.FullName])
            {
                WorkingDirectory = Path.Combine(Checkout.Root, "AppHost"),
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["DOTNET_ENVIRONMENT"] = "Development";
            using var publisher = Process.Start(start)!;
            var said = await Task.WhenAll(publisher.StandardOutput.ReadToEndAsync(), publisher.StandardError.ReadToEndAsync());
            await publisher.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(publisher.ExitCode == 0, string.Concat(said));
            return await File.ReadAllTextAsync(Path.Combine(folder.FullName, "aspire-manifest.json"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
