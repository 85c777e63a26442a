using Platform.Contracts.Catalogue;

namespace Fixture.Contracts;

public static class FixtureContract
{
    public static ToolCatalogue Catalogue { get; } = ToolCatalogue.Of("fixture", typeof(FixtureContract).Assembly);
}
