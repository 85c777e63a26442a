namespace Platform.EndToEnd.Tests;

[Collection(TheSuite.Name)]
public sealed class ConfirmationTests(RunningSuite suite)
{
    private const int Uses = 100;

    [Fact]
    public async Task Of_100_concurrent_uses_of_one_confirmation_one_wins()
    {
        using var calls = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token);
        var created = await calls.CallAsync("create_organization", new { name = "Wanted gone by a hundred" });
        var organizationId = created.GetProperty("structuredContent").GetProperty("organization").GetProperty("id").GetString();
        var preview = await calls.CallAsync("delete_organization", new { organizationId });
        var confirmation = preview.GetProperty("structuredContent").GetProperty("confirmation").GetString();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, Uses).Select(_ => calls.CallAsync("delete_organization", new { organizationId, confirmation }))
        );

        var won = answers.Where(answer => !(answer.TryGetProperty("isError", out var error) && error.GetBoolean())).ToList();
        Assert.Single(won);
        Assert.Equal(organizationId, won[0].GetProperty("structuredContent").GetProperty("id").GetString());
    }
}
