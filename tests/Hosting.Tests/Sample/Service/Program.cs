using System.Collections;

// "migrate" ends at once; anything else serves what the tests ask about.
if (args.Contains("migrate"))
{
    Console.WriteLine("migrated");
    return int.Parse(Environment.GetEnvironmentVariable("MIGRATE_EXIT_CODE") ?? "0", null);
}

var builder = WebApplication.CreateBuilder(args);
if (Environment.GetEnvironmentVariable("GRPC_PORT") is { } port)
{
    // ASPNETCORE_URLS is ignored once Kestrel is told what to listen on, so it is told all.
    builder.WebHost.UseUrls([.. (builder.Configuration["URLS"]
        ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries), $"http://localhost:{port}"]);
}
var app = builder.Build();
app.MapGet("/health", () => "Healthy");
app.MapGet("/environment", () => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
    .ToDictionary(v => (string)v.Key, v => (string?)v.Value));
app.MapGet("/arguments", () => args);
app.MapGet("/process", () => Environment.ProcessId);
app.MapGet("/crash", () => Environment.Exit(7));
app.Run();
return 0;
