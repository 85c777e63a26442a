using Platform.Contracts;

namespace Platform.ServiceDefaults.Tests;

public sealed class IdsTests
{
    [Fact]
    public void Ids_made_later_sort_later_and_none_is_made_twice()
    {
        var made = Enumerable.Range(0, 20_000).Select(_ => Ids.Format("org", Ids.New())).ToList();
        Assert.Equal(made.Order(StringComparer.Ordinal), made);
        var everybodys = Enumerable
            .Range(0, 8)
            .AsParallel()
            .WithDegreeOfParallelism(8)
            .SelectMany(_ => Enumerable.Range(0, 5_000).Select(_ => Ids.New()))
            .ToList();
        Assert.Equal(40_000, everybodys.Distinct().Count());
    }

    [Fact]
    public void They_are_uuids_of_version_7_of_this_moment()
    {
        var id = Ids.New();
        Assert.Equal((7, 8), (id.Version, id.Variant & 0xC));
        var milliseconds = Convert.ToInt64(id.ToString("N")[..12], 16);
        Assert.Equal(DateTimeOffset.UtcNow, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), TimeSpan.FromSeconds(5));
    }
}
