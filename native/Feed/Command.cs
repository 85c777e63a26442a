using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Platform.Native.Feed;

/// <summary>Runs a program to its end and keeps what it printed.</summary>
internal static partial class Command
{
    public static Result Run(string program, IEnumerable<string> arguments, string folder)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // Messages in one language, and no build server that outlives the command.
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        // A packages folder of the user's own would answer for the sources, and would keep a stand-in for other checkouts.
        start.Environment.Remove("NUGET_PACKAGES");
        // Set by the host that runs this tool; a dotnet started from here must find its own.
        start.Environment.Remove("MSBuildSDKsPath");
        try
        {
            using var process = Process.Start(start) ?? throw new FeedException($"{program} does not start.");
            process.StandardInput.Close();
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return new Result(process.ExitCode, output, error.GetAwaiter().GetResult());
        }
        catch (Win32Exception e)
        {
            throw new FeedException($"{program} is needed and was not found.", e);
        }
    }

    internal sealed partial record Result(int ExitCode, string Output, string Error)
    {
        /// <summary>What was printed, for an error message, without the addresses of registries that this machine is set up with.</summary>
        public string Report => Address().Replace($"{Output}{Error}".Trim(), "(address)");

        [GeneratedRegex(@"https?://[^\s'""]+")]
        private static partial Regex Address();
    }
}
