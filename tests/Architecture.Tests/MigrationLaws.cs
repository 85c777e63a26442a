using System.Text.RegularExpressions;

namespace Platform.Architecture.Tests;

/// <summary>What holds for the migrations of every service.</summary>
public sealed partial class MigrationLaws
{
    // Both were applied before anybody noticed. A migration that exists is never renamed: its name is the record that it was applied.
    private static readonly string[] _sameNumber =
    [
        "services/data/Service/Migrations/0005_links.sql",
        "services/data/Service/Migrations/0005_undo.sql",
    ];

    [Fact]
    public void A_number_belongs_to_one_migration_of_its_service()
    {
        var migrations = Repository.Files("*.sql", "ServiceDefaults", "services", "identity").ToList();
        Assert.NotEmpty(migrations);
        Assert.All(migrations, file => Assert.Matches(Name(), Path.GetFileName(file)));
        var shared = migrations
            .Select(Repository.Relative)
            .GroupBy(file => Path.GetDirectoryName(file) + "/" + Path.GetFileName(file)[..4])
            .Where(group => group.Count() > 1)
            .SelectMany(group => group.Order(StringComparer.Ordinal));
        Assert.Equal(_sameNumber, shared);
    }

    [GeneratedRegex(@"^\d{4}_\w+(\.admin)?\.sql$")]
    private static partial Regex Name();
}
