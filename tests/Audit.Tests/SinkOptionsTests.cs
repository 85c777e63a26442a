using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Platform.Audit.Service;
using Platform.Audit.Service.Sinks;

namespace Platform.Audit.Tests;

public sealed class SinkOptionsTests
{
    [Fact]
    public void The_intake_of_a_site_is_Datadogs_unless_the_operator_names_another()
    {
        var options = Options("Production", ("Audit:Sinks:Datadog:datadoghq.eu", "https://proxy.example:8443"));
        Assert.Equal("https://proxy.example:8443/", options.DatadogAddress("datadoghq.eu").ToString());
        Assert.Equal("https://http-intake.logs.us3.datadoghq.com/", options.DatadogAddress("us3.datadoghq.com").ToString());
    }

    [Fact]
    public void Outside_development_an_intake_is_reached_by_https_only()
    {
        Assert.Throws<OptionsValidationException>(() =>
            Options("Production", ("Audit:Sinks:Datadog:datadoghq.eu", "http://proxy.example"))
        );
        Assert.NotNull(Options("Development", ("Audit:Sinks:Datadog:datadoghq.eu", "http://127.0.0.1:1")));
    }

    [Theory]
    [InlineData("10.20.0.0/16", true)]
    [InlineData("fd00::/8", true)]
    [InlineData("169.254.0.0/16", false)]
    [InlineData("127.0.0.0/8", false)]
    [InlineData("10.0.0.0/7", false)]
    [InlineData("0.0.0.0/0", false)]
    [InlineData("::/0", false)]
    [InlineData("siem.example", false)]
    public void Only_private_networks_can_be_opened(string network, bool possible)
    {
        var read = Record.Exception(() => Options("Production", ("Audit:Sinks:AllowedNetworks:0", network)));
        Assert.Equal(possible, read is null);
        Assert.True(possible || read is OptionsValidationException);
    }

    private static SinkOptions Options(string environment, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        Array.ForEach(settings, setting => builder.Configuration[setting.Key] = setting.Value);
        builder.AddAudit();
        using var services = builder.Services.BuildServiceProvider();
        return services.GetRequiredService<IOptions<SinkOptions>>().Value;
    }
}
