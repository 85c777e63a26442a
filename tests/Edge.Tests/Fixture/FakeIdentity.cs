using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Identity.Contracts.V1;
using CallersBase = Platform.Identity.Contracts.V1.Callers.CallersBase;

namespace Platform.Edge.Tests.Fixture;

/// <summary>Says who calls, as the test sets it.</summary>
public sealed class FakeIdentity : CallersBase
{
    private int _asked;

    public string Workspace { get; } = Ids.Format("wks", Ids.New());

    public string Sandbox { get; } = Ids.Format("env", Ids.New());

    public string Production { get; } = Ids.Format("env", Ids.New());

    public string Member { get; } = Ids.Format("mbr", Ids.New());

    public string Role { get; set; } = Roles.Admin;

    public string ProductionRole { get; set; } = Roles.Viewer;

    public IReadOnlyList<string> Scopes { get; set; } = Contracts.Scopes.All;

    public Switches Switches { get; } = new() { Enabled = true, WriteAccess = true };

    public Refusal Refusal { get; set; }

    public bool IsAway { get; set; }

    /// <summary>Whether the account is in no workspace.</summary>
    public bool Stranger { get; set; }

    /// <summary>Whether callers get the assertions that services ask for, as they always should.</summary>
    public bool GivesAssertions { get; set; } = true;

    /// <summary>What an answer waits for, when a test holds it back.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Set while directory gives identity no answer.</summary>
    public Timestamp? MembershipAsOf { get; set; }

    public int Asked => _asked;

    public ConcurrentQueue<ResolveCallerRequest> Requests { get; } = new();

    /// <summary>What the edge showed at the last question.</summary>
    public string? Authorization { get; private set; }

    public override async Task<ResolveCallerResponse> ResolveCaller(ResolveCallerRequest request, ServerCallContext context)
    {
        Interlocked.Increment(ref _asked);
        Authorization = context.RequestHeaders.GetValue("authorization");
        Requests.Enqueue(request);
        await Gate;
        if (IsAway)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "away"));
        }

        var isProduction = request.Environment == "production" || request.Environment == Production;
        var role = isProduction ? ProductionRole : Role;
        var here = Environment(isProduction);
        var answer = new ResolveCallerResponse
        {
            Refusal =
                Refusal != Refusal.Unspecified ? Refusal
                : isProduction && !Switches.ProductionAccess ? Refusal.ProductionNotAllowed
                : request.Environment.Length > 0 && !isProduction && request.Environment != "sandbox" && request.Environment != Sandbox
                    ? Refusal.EnvironmentNotFound
                : Refusal.Unspecified,
            RefusalMessage = "Told by identity.",
            Caller = new Caller
            {
                WorkspaceId = Workspace,
                MemberId = Member,
                Environment = here,
                Environments = { Environment(false), Environment(true) },
                RolePermissions = { Roles.PermissionsOf(role) },
                Scopes = { Scopes },
                Permissions = { Roles.PermissionsOf(role).Where(Scopes.Contains) },
                Token = new CallerToken
                {
                    Kind = request.CredentialCase == ResolveCallerRequest.CredentialOneofCase.AccessToken ? "oauth" : "personal",
                    TokenId = "tok_1",
                    ClientId = "test-client",
                },
                Switches = Switches.Clone(),
                MembershipAsOf = MembershipAsOf,
            },
        };
        if (Stranger)
        {
            answer.Caller = new Caller { Subject = "stranger", Token = answer.Caller.Token };
        }

        if (answer.Refusal == Refusal.Unspecified && GivesAssertions)
        {
            foreach (var audience in request.Audiences)
            {
                answer.Assertions[audience] = $"assertion-for-{audience}{(isProduction ? FakeThings.InProduction : "")}";
            }
        }
        return answer;
    }

    public override Task<IssueServiceAssertionResponse> IssueServiceAssertion(
        IssueServiceAssertionRequest request,
        ServerCallContext context
    ) =>
        request is { Service: "edge", Secret: "edge-secret" }
            ? Task.FromResult(
                new IssueServiceAssertionResponse
                {
                    Assertion = $"service-assertion-for-{request.Audience}",
                    ExpiresAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddSeconds(30)),
                }
            )
            : throw new RpcException(new Status(StatusCode.PermissionDenied, "wrong secret"));

    private ReachableEnvironment Environment(bool isProduction) =>
        new()
        {
            EnvironmentId = isProduction ? Production : Sandbox,
            Name = isProduction ? "Live" : "Sandbox",
            Kind = isProduction ? "production" : "sandbox",
            IsDefault = !isProduction,
            Role = isProduction ? ProductionRole : Role,
            Allowed = !isProduction || Switches.ProductionAccess,
        };
}
