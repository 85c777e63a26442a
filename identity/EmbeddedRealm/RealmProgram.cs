using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Platform.Identity.EmbeddedRealm;

// Not the usual Program: tests that see it have a Program of their own.
internal static partial class RealmProgram
{
    public static async Task<int> Main(string[] args)
    {
        using var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(console => console.SingleLine = true));
        var log = loggers.CreateLogger("Platform.Identity.EmbeddedRealm");
        try
        {
            var settings = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
            var environment = settings["ASPNETCORE_ENVIRONMENT"] ?? settings["DOTNET_ENVIRONMENT"] ?? Environments.Production;
            await using var host = RealmHost.Build(environment, () => RealmOptions.Read(settings), TimeProvider.System);
            await host.RunAsync();
            return 0;
        }
        catch (RealmStartException exception)
        {
            LogRefused(log, exception.Message);
            return 1;
        }
    }

    [LoggerMessage(9001, LogLevel.Critical, "The embedded realm does not start: {Reason}")]
    private static partial void LogRefused(ILogger log, string reason);
}
