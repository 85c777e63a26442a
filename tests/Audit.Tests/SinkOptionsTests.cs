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
            Options("Production", ("Audit:Sinks:Datadog:datadoghq.eu", "http://proxy.example")));
        Assert.NotNull(Options("Development", ("Audit:Sinks:Datadog:datadoghq.eu", "http://127.0.0.1:1")));
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
