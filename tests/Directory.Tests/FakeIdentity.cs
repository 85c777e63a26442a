using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Identity.Contracts.V1;
using Platform.Testing;

namespace Platform.Directory.Tests;

/// <summary>Identity as the directory sees it: its gRPC contract over a socket, with accounts in memory.</summary>
public sealed class FakeIdentity : Accounts.AccountsBase, IAsyncDisposable
{
    public const string Secret = "the directory's secret";
    public const string Rule = "At least 12 characters.";

    private readonly GrpcHost _host = new();

    /// <summary>Password by address.</summary>
    public ConcurrentDictionary<string, string> Passwords { get; } = new();

    public ConcurrentQueue<CreateAccountRequest> Asked { get; } = new();

    public bool IsAway { get; set; }

    /// <summary>Runs before an account is made.</summary>
    public Func<Task> Before { get; set; } = () => Task.CompletedTask;

    public string Url => _host.Url;

    public Task StartAsync() => _host.Add(this).Add(new FakeCallers()).StartAsync();

    public override async Task<CreateAccountResponse> CreateAccount(CreateAccountRequest request, ServerCallContext context)
    {
        if (IsAway || context.RequestHeaders.GetValue("authorization") != "Bearer assertion-for-identity")
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "away"));
        }

        Asked.Enqueue(request);
        if (Passwords.ContainsKey(request.Email))
        {
            return new CreateAccountResponse { Outcome = AccountOutcome.AccountExists };
        }

        if (request.Password.Length < 12)
        {
            return new CreateAccountResponse
            {
                Outcome = request.Password.Length == 0 ? AccountOutcome.PasswordNeeded : AccountOutcome.PasswordRefused,
                PasswordRules = { Rule },
            };
        }

        await Before();
        return new CreateAccountResponse
        {
            Outcome = Passwords.TryAdd(request.Email, request.Password) ? AccountOutcome.AccountCreated : AccountOutcome.AccountExists,
        };
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private sealed class FakeCallers : Callers.CallersBase
    {
        public override Task<IssueServiceAssertionResponse> IssueServiceAssertion(
            IssueServiceAssertionRequest request,
            ServerCallContext context
        ) =>
            request is { Service: "directory", Secret: Secret }
                ? Task.FromResult(
                    new IssueServiceAssertionResponse
                    {
                        Assertion = $"assertion-for-{request.Audience}",
                        ExpiresAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddSeconds(30)),
                    }
                )
                : throw new RpcException(new Status(StatusCode.Unauthenticated, "wrong secret"));
    }
}
