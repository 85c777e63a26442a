using Microsoft.Extensions.Options;
using Platform.Contracts;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Sinks;

/// <summary>The sinks there are: every class of this folder that is an <see cref="ISink"/>.</summary>
internal sealed class SinkSet(IEnumerable<ISink> sinks)
{
    private readonly Dictionary<string, ISink> _byType = sinks.ToDictionary(sink => sink.Type, StringComparer.Ordinal);

    public IReadOnlyCollection<ISink> All => _byType.Values;

    /// <summary>Null for the type of a stream that another version of the service made.</summary>
    public ISink? Find(string type) => _byType.GetValueOrDefault(type);

    /// <exception cref="Grpc.Core.RpcException">FAILED_PRECONDITION: no sink has this type.</exception>
    public ISink Of(string type) =>
        Find(type)
        ?? throw Problem.Conflict(
            Reasons.StreamTypeUnknown,
            NotKnown(type),
            "Ask whoever operates the platform to update it, or delete the stream."
        );

    public static string NotKnown(string type) => $"This version of the service does not know streams of the type {type}.";
}

internal static class SinkRegistration
{
    public static void AddSinks(this WebApplicationBuilder builder)
    {
        var development = builder.Environment.IsDevelopment();
        builder
            .AddSettings<SinkOptions>("Audit:Sinks")
            .Validate(
                options => development || options.Datadog.Values.All(address => address.Scheme == Uri.UriSchemeHttps),
                "Audit:Sinks:Datadog: outside Development the addresses are https."
            )
            .Validate(
                options => options.ParseNetworks() is not null,
                "Audit:Sinks:AllowedNetworks are private networks: parts of 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, "
                    + "192.168.0.0/16 or fc00::/7."
            );
        // Any header can carry a secret: a sink need not say which one does.
        builder
            .Services.AddHttpClient(SinkClient.Name, client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(services =>
                OutboundConnections.CreateHandler(development, services.GetRequiredService<IOptions<SinkOptions>>().Value.ParseNetworks()!)
            )
            .RedactLoggedHeaders(_ => true);
        builder.Services.AddSingleton<SinkClient>();
        builder.Services.AddSingleton<HttpsAddress>();
        builder.Services.AddSingleton<SinkSet>();
        foreach (var sink in typeof(ISink).Assembly.GetTypes().Where(type => type.IsClass && type.IsAssignableTo(typeof(ISink))))
        {
            builder.Services.AddSingleton(typeof(ISink), sink);
        }
    }
}
