using Platform.Audit.Contracts.V1;
using Platform.Changes.Undo;
using Platform.Directory.Contracts.V1;
using Platform.Identity.Contracts;
using Platform.Identity.Service;
using Platform.Identity.Service.AccessTokens;
using Platform.Identity.Service.Assertions;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.ConnectedApps;
using Platform.Identity.Service.Demo;
using Platform.Identity.Service.Governance;
using Platform.Identity.Service.Joining;
using Platform.Identity.Service.PersonalTokens;
using Platform.Identity.Service.Realm;
using Platform.Identity.Service.Registration;
using Platform.Identity.Service.Whoami;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.Events;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("identity");
builder.AddServiceDatabase();

// Before AddToolsets: this service checks assertions with its own key ring, not over HTTP.
builder
    .AddSettings<AssertionOptions>(AssertionOptions.Section)
    .Validate(
        options =>
            options.Lifetime > TimeSpan.Zero
            && options.Lifetime <= TimeSpan.FromMinutes(1)
            && options.PublishBefore >= TimeSpan.FromMinutes(2)
            && options.RotateEvery > options.PublishBefore,
        "Assertions: at most a minute; published two minutes before they sign; rotated later than that."
    );
builder.Services.AddSingleton<AssertionKeyRing>();
builder.Services.AddSingleton<IAssertionKeys>(services => services.GetRequiredService<AssertionKeyRing>());
builder.Services.AddSingleton<AssertionIssuer>();
builder.Services.AddSingleton(services => new ServiceAssertions(
    (audience, cancellation) =>
        services.GetRequiredService<AssertionIssuer>().IssueForServiceAsync("identity", audience, "", "", cancellation),
    services.GetRequiredService<TimeProvider>()
));
builder.Services.AddHostedService<AssertionKeyRotation>();
builder.AddToolsets(IdentityContract.Catalogue);
builder.Services.AddSingleton<IChangeUndo>(AppRemedies.Create());
builder.AddMessaging(bus => bus.Follow<KnownMemberships>());

builder.AddRealm();
builder.AddDemo();
builder.Services.AddRegistration();
builder.Services.AddSingleton<RealmKeys>();
builder.Services.AddSingleton<AccessTokenValidator>();
builder.Services.AddSingleton<Revocations>();
builder.Services.AddSingleton<IRealmFollower, RealmRevocations>();
builder.Services.AddSingleton<PersonalTokenFinder>();
builder.Services.AddSingleton<LastUse>();
builder.Services.AddHostedService(services => services.GetRequiredService<LastUse>());
builder
    .AddSettings<PersonalTokenOptions>(PersonalTokenOptions.Section)
    .Validate(
        options => options.DefaultDays >= 1 && options.MaxDays >= options.DefaultDays,
        "PersonalTokens: 1 <= DefaultDays <= MaxDays."
    );
builder.Services.AddSingleton<ServiceSecrets>();
builder.Services.AddSingleton<EdgeAudience>();
builder.Services.AddSingleton<ConnectedApps>();
builder
    .AddSettings<MemberOptions>(MemberOptions.Section)
    .Validate(
        options => options.LastKnownFor >= TimeSpan.Zero && options.LastKnownFor <= TimeSpan.FromDays(1),
        "Members:LastKnownFor: between zero and a day."
    );
builder.Services.AddSingleton<KnownMemberships>();
builder.Services.AddSingleton<MemberDirectory>();
builder.Services.AddServiceClient<Members.MembersClient>("directory");
builder.Services.AddServiceClient<Joining.JoiningClient>("directory");
builder.Services.AddSingleton<GovernanceRefusals>();
builder.Services.AddSingleton<JoinAccounts>();
builder.Services.AddSingleton<InvitationAcceptance>();
builder.Services.AddSingleton<JoinPages>();
builder.Services.AddServiceClient<SigningSecrets.SigningSecretsClient>("audit");

var app = builder.Build();
app.UseAbandonedRequests();
app.MapAssertionKeys();
app.MapGovernance();
app.MapJoinPage();
app.MapRegistration();
app.MapGrpcService<CallersService>();
app.MapGrpcService<WorkspaceService>();
app.MapGrpcService<AppsService>();
app.MapGrpcService<ChangesService>();
await app.RunServiceAsync(args);
