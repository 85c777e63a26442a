using System.ComponentModel.DataAnnotations;
using Platform.ServiceDefaults;

namespace Platform.Data.Service.Indexes;

/// <summary>When searches have earned an index, and for how long.</summary>
internal sealed class IndexOptions
{
    public const string Section = "Indexes";

    /// <summary>So many searches of one shape within a week …</summary>
    [Range(1, 1_000_000)]
    public int MinSearches { get; set; } = 20;

    /// <summary>… that took so long on average …</summary>
    [Range(0, 60_000)]
    public double MinMilliseconds { get; set; } = 4;

    /// <summary>… in a table of so many records.</summary>
    [Range(0, 100_000_000)]
    public int MinRecords { get; set; } = 5000;

    /// <summary>Every index makes writing dearer.</summary>
    [Range(0, 20)]
    public int MaxPerTable { get; set; } = 6;

    /// <summary>An index that no search has used for so long is dropped.</summary>
    public TimeSpan UnusedFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How often a process writes down what it has counted.</summary>
    public TimeSpan CountEvery { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the leader looks for searches that have earned an index.</summary>
    public TimeSpan LookEvery { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often it looks after the indexes that there are.</summary>
    public TimeSpan TidyEvery { get; set; } = TimeSpan.FromMinutes(10);
}

internal static class IndexSetup
{
    public static void AddEarnedIndexes(this WebApplicationBuilder builder)
    {
        builder
            .AddSettings<IndexOptions>(IndexOptions.Section)
            .Validate(
                options =>
                    options.CountEvery > TimeSpan.Zero
                    && options.LookEvery > TimeSpan.Zero
                    && options.TidyEvery > TimeSpan.Zero
                    && options.UnusedFor > TimeSpan.Zero,
                "Indexes: all times are longer than none."
            );
        builder.Services.AddSingleton<IndexBuilder>();
        builder.Services.AddSingleton<SearchUsage>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SearchUsage>());
        builder.Services.AddHostedService<IndexKeeper>();
    }
}
