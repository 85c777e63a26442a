using System.Text.Json.Nodes;

namespace Platform.Bench;

/// <summary>Where the suite is, once it is up.</summary>
internal sealed record Endpoints(string Mcp, string Token)
{
    public static async Task<Endpoints> WaitAsync(string appHostDirectory, string name)
    {
        var file = Path.GetFullPath(Path.Combine(appHostDirectory, "..", "artifacts", name));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!File.Exists(file))
        {
            await Task.Delay(200, patience.Token);
        }

        var endpoints = JsonNode.Parse(await File.ReadAllTextAsync(file, patience.Token))!;
        var owner = endpoints["members"]!.AsArray().First(member => member!["role"]!.GetValue<string>() == "owner")!;
        return new Endpoints(endpoints["mcp"]!.GetValue<string>(), owner["token"]!.GetValue<string>());
    }
}
