using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Platform.ServiceDefaults.Tests;

/// <summary>What is wrong in a section is named with its whole path, and nothing in it is ignored.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("Wharf:Berths", "4")]
    [InlineData("wharf:berths", "4")]
    [InlineData("Wharf:Cranes:0", "north")]
    [InlineData("Wharf:Ships:Anna Maria:Flag", "dk")]
    [InlineData("Wharf:Ships:Anna Maria:Ports:3", "ribe")]
    [InlineData("Wharf:Address", "https://wharf.example")]
    [InlineData("Wharf:Open", "01:00:00")]
    [InlineData("Wharf:Tides:Anything", "1")]
    public void What_is_known_is_taken(string name, string value) => Assert.Equal("", Failure(name, value));

    [Theory]
    [InlineData("Wharf:Births", "4", "Nothing reads the setting Wharf:Births. The settings of Wharf are: Address, Berths, Cranes, ")]
    [InlineData("Wharf:IsFull", "true", "Nothing reads the setting Wharf:IsFull.")]
    [InlineData(
        "Wharf:Ships:Anna:Flags",
        "dk",
        "Nothing reads the setting Wharf:Ships:Anna:Flags. The settings of Wharf:Ships:Anna are: Flag, "
    )]
    [InlineData("Wharf:Berths:0", "4", "Nothing reads the setting Wharf:Berths:0. Wharf:Berths is one value.")]
    [InlineData("Wharf:Cranes:0:Name", "north", "Nothing reads the setting Wharf:Cranes:0:Name. Wharf:Cranes:0 is one value.")]
    [InlineData("Wharf:Berths", "0", "The field Wharf:Berths must be between 1 and 9.")]
    [InlineData("Wharf:Name", "", "The Wharf:Name field is required.")]
    public void What_is_wrong_is_named(string name, string value, string failure) =>
        Assert.StartsWith(failure, Failure(name, value), StringComparison.Ordinal);

    [Fact]
    public void Everything_that_is_wrong_is_named_at_once() =>
        Assert.Equal(
            "Nothing reads the setting Wharf:Ships:Anna:Flags. The settings of Wharf:Ships:Anna are: Flag, Ports.; "
                + "The field Wharf:Berths must be between 1 and 9.",
            Failure(("Wharf:Berths", "0"), ("Wharf:Ships:Anna:Flags", "dk"))
        );

    private static string Failure(string name, string value) => Failure((name, value));

    private static string Failure(params (string Name, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection([new("Wharf:Name", "Old Wharf")]);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)));
        builder.AddSettings<WharfOptions>("Wharf", "Tides");
        using var host = builder.Build();
        try
        {
            Assert.NotNull(host.Services.GetRequiredService<IOptions<WharfOptions>>().Value);
            return "";
        }
        catch (OptionsValidationException exception)
        {
            return exception.Message;
        }
    }

    private sealed class WharfOptions
    {
        [Required]
        public string Name { get; set; } = "";

        [Range(1, 9)]
        public int Berths { get; set; } = 2;

        public TimeSpan? Open { get; init; }

        public Uri? Address { get; init; }

        public string[] Cranes { get; init; } = [];

        public Dictionary<string, ShipOptions> Ships { get; init; } = [];

        public bool IsFull => Berths == 0;
    }

    private sealed class ShipOptions
    {
        public string Flag { get; set; } = "";

        public List<string> Ports { get; init; } = [];
    }
}
