using System.Globalization;

namespace Platform.Bench.Campaign;

/// <param name="Kills">How many SIGKILLs there are at least; pauses and the other interruptions come on top.</param>
/// <param name="Seed">Decides what is interrupted and called, and when; the same seed does the same, as far as the machine lets it.</param>
/// <param name="Only">Interrupts this resource alone; null: all of them.</param>
/// <param name="PerSecond">Calls per second.</param>
internal sealed record CampaignOptions(int Kills, int Seed, string? Only, int PerSecond)
{
    public static CampaignOptions Parse(string[] args) =>
        new(
            Number(args, "--kills") ?? 100,
            Number(args, "--seed") ?? Random.Shared.Next(100_000),
            Value(args, "--only"),
            Number(args, "--rate") ?? 20
        );

    private static int? Number(string[] args, string name) =>
        Value(args, name) is { } value ? int.Parse(value, CultureInfo.InvariantCulture) : null;

    private static string? Value(string[] args, string name) =>
        Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
}
