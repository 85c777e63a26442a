using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using Platform.Contracts.Catalogue;
using Platform.Edge.Access;
using Platform.Edge.Audit;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Compact;
using Platform.Edge.Completions;
using Platform.Edge.Http;
using Platform.Edge.Lookups;
using Platform.Edge.Pages;
using Platform.Edge.Prompts;
using Platform.Edge.Resources;
using Platform.Edge.SignIn;
using Platform.Edge.Tools;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using CallersClient = Platform.Identity.Contracts.V1.Callers.CallersClient;
using CallsClient = Platform.Audit.Contracts.V1.Calls.CallsClient;

namespace Platform.Edge;

/// <summary>What makes a host the edge.</summary>
public static class EdgeHost
{
    private static readonly string[] _algorithms =
    [
        SecurityAlgorithms.RsaSha256,
        SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.EcdsaSha256,
    ];

    /// <summary>
    /// Serves the tools of these catalogues over MCP. <paramref name="defaultToolsets"/>: what a URL without toolsets lists.
    /// </summary>
    public static void AddEdge(
        this WebApplicationBuilder builder,
        IEnumerable<string> defaultToolsets,
        params IEnumerable<ToolCatalogue> catalogues
    )
    {
        var services = builder.Services;
        builder.AddSettings<AccessOptions>("Edge:Access");
        builder.AddSettings<AuditOptions>("Edge:Audit");
        services.AddSingleton(new ToolSurface(ToolCatalogue.Join(catalogues), defaultToolsets));
        services.AddSingleton(new McpScopes(Contracts.Scopes.Ordinary));
        builder.AddMcpEndpoint<EdgePipeline>();
        services.AddSingleton<TargetFinder>();
        services.AddSingleton<MethodHandlers>();
        services.AddSingleton<UrlNarrowings>();
        services.AddSingleton<ServiceChannels>();
        services.AddSingleton<ServiceCalls>();
        services.AddSingleton<UnforeseenFailures>();
        services.AddSingleton<ToolCaller>();
        services.AddSingleton<ToolReader>();
        services.AddSingleton<RefusalWriter>();
        services.AddJoinPage();
        services.AddSignIn();
        services.AddSingleton<CompactSurface>();
        services.AddSingleton<Instructions>();
        services.AddSingleton<Lookup>();
        services.AddSingleton<ResourceCatalogue>();
        services.AddSingleton<PromptCatalogue>();
        services.AddSingleton<CompletionCatalogue>();
        AddAccess(services);
        AddAudit(services);
        if (builder.Configuration.GetConnectionString("redis") is not null)
        {
            // Redis may be away: limits are local then, and that is no reason to take the edge out of service.
            builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true, redis => redis.AbortOnConnectFail = false);
            services.AddSingleton<ISharedRates, RedisRates>();
            services.AddSingleton<ISharedAnswers, RedisAnswers>();
        }
    }

    private static void AddAccess(IServiceCollection services)
    {
        services.AddServiceClient<CallersClient>("identity");
        services.AddSingleton(AssertionsOfTheEdge);
        services.AddSingleton<BearerReader>();
        services.AddSingleton<Admissions>();
        services.AddSingleton(provider =>
            ActivatorUtilities.CreateInstance<CallerCache>(
                provider,
                (IReadOnlyCollection<string>)provider.GetRequiredService<ToolSurface>().Services
            )
        );
        services.AddSingleton<RateLimiter>();
        services.AddSingleton<AddressLimit>();
        services.AddSingleton<JoinLimits>();
        services.AddSingleton<Policy>();
        services.AddSingleton<CallerResolution>();
        services.AddSingleton<Decisions>();
        services.AddSingleton<CallTelemetry>();
        services.AddHostedService<RateSharing>();
        services.AddAuthentication().AddJwtBearer(BearerReader.Scheme);
        services
            .AddOptions<JwtBearerOptions>(BearerReader.Scheme)
            .Configure<IOptions<McpEndpointOptions>, IOptions<AccessOptions>, TimeProvider>(
                (jwt, endpoint, access, time) =>
                {
                    var issuer = endpoint.Value.Issuer;
                    if (issuer.Length == 0)
                    {
                        return;
                    }

                    var address = access.Value.InternalIssuer.Length > 0 ? access.Value.InternalIssuer : issuer;
                    jwt.MapInboundClaims = false;
                    jwt.TimeProvider = time;
                    jwt.RequireHttpsMetadata = address.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
                    jwt.ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
                        address,
                        new IssuerMetadata(issuer),
                        new HttpDocumentRetriever(new HttpClient { Timeout = TimeSpan.FromSeconds(5) })
                        {
                            RequireHttps = jwt.RequireHttpsMetadata,
                        }
                    );
                    jwt.TokenValidationParameters = new TokenValidationParameters
                    {
                        ValidIssuer = issuer,
                        ValidAudience = endpoint.Value.Resource,
                        ValidAlgorithms = _algorithms,
                        RequireExpirationTime = true,
                        RequireSignedTokens = true,
                        ClockSkew = TimeSpan.FromSeconds(5),
                    };
                    jwt.Events = new JwtBearerEvents
                    {
                        OnTokenValidated = validated =>
                        {
                            if (
                                validated.SecurityToken.ValidTo - ((JsonWebToken)validated.SecurityToken).IssuedAt
                                > AccessTokenRules.LongestLife
                            )
                            {
                                validated.Fail("The access token lives longer than any of this realm.");
                            }

                            return Task.CompletedTask;
                        },
                    };
                }
            );
    }

    private static void AddAudit(IServiceCollection services)
    {
        services.AddServiceClient<CallsClient>("audit");
        services.AddSingleton<CallRecorder>();
        services.AddSingleton<CallSpool>();
        services.AddSingleton<CallNumbers>();
        services.AddSingleton<CallAudit>();
        services.AddSingleton<UnknownCallers>();
        services.AddSingleton<RefusalRecorder>();
        services.AddHostedService(provider => provider.GetRequiredService<CallAudit>());
    }

    private static ServiceAssertions AssertionsOfTheEdge(IServiceProvider provider) =>
        new(
            async (audience, cancellationToken) =>
            {
                var request = new IssueServiceAssertionRequest
                {
                    Service = "edge",
                    Secret = provider.GetRequiredService<IOptions<AccessOptions>>().Value.ServiceSecret,
                    Audience = audience,
                };
                var identity = provider.GetRequiredService<CallersClient>();
                var answer = await identity.IssueServiceAssertionAsync(request, cancellationToken: cancellationToken);
                return new ServiceAssertion(answer.Assertion, answer.ExpiresAt.ToDateTimeOffset());
            },
            provider.GetRequiredService<TimeProvider>()
        );

    /// <summary>Maps the MCP endpoint with its metadata, and the pages: how to connect, signing in, accepting invitations.</summary>
    public static void MapEdge(this WebApplication app)
    {
        app.UseProxies();
        app.UseCors();
        app.MapMcp();
        app.MapJoinPage();
        app.MapConnectPage();
        app.MapSignIn();
    }
}
