using Platform.Identity.Service.Realm;
using Platform.ServiceDefaults;

namespace Platform.Identity.Service.Demo;

internal static class DemoSetup
{
    /// <summary>The accounts and personal tokens of the demo members. Outside Development no setting makes any.</summary>
    public static void AddDemo(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<DemoCredentials>();
        builder.Services.AddSingleton<IRealmFollower, DemoAccounts>();
        if (builder.Environment.IsDevelopment() && builder.Configuration.GetValue<bool>("Demo:Seed"))
        {
            builder.AddSettings<DemoOptions>(DemoOptions.Section);
            builder.Services.AddSingleton<DemoTokens>();
            builder.Services.AddHostedService(services => services.GetRequiredService<DemoTokens>());
            builder.Services.AddHealthChecks().AddCheck<DemoTokens>("demo");
        }
    }
}
