using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Platform.Identity.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using CallersClient = Platform.Identity.Contracts.V1.Callers.CallersClient;

namespace Platform.Edge.Callers;

/// <summary>Identity could not be asked. Nobody passes then.</summary>
internal sealed class IdentityUnavailableException(Exception inner) : Exception("Who is calling cannot be checked at the moment.", inner);

/// <summary>
/// Keeps what identity said, for half a second at most, counted from when it was asked. Past half of that the next call starts a refresh
/// without waiting for it; there is never more than one under way for the same question.
/// </summary>
internal sealed class CallerCache(
    CallersClient identity,
    ServiceAssertions assertions,
    IOptions<AccessOptions> options,
    TimeProvider time,
    IReadOnlyCollection<string> audiences
)
{
    private const string Identity = "identity";
    private const int SweepAt = 10_000;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _lifetime = options.Value.CallerLifetime;
    private readonly ConcurrentDictionary<Question, Entry> _entries = new();

    public ValueTask<ResolvedCaller> GetAsync(
        Credential credential,
        string workspace,
        string environment,
        bool onlyEnvironment,
        CancellationToken cancellationToken
    )
    {
        var question = new Question(credential.Key, workspace, environment, onlyEnvironment);
        var entry = _entries.GetOrAdd(question, static _ => new Entry());
        Task<ResolvedCaller> refresh;
        lock (entry)
        {
            var age = time.GetElapsedTime(entry.AskedAt);
            var usable = entry.Caller is not null && age < _lifetime;
            if (usable && (age < _lifetime / 2 || entry.Refresh is not null))
            {
                return new ValueTask<ResolvedCaller>(entry.Caller!);
            }

            refresh = entry.Refresh ??= Task.Run(() => RefreshAsync(entry, credential, question), CancellationToken.None);
            if (usable)
            {
                return new ValueTask<ResolvedCaller>(entry.Caller!);
            }
        }
        if (_entries.Count > SweepAt)
        {
            Sweep();
        }

        return new ValueTask<ResolvedCaller>(refresh.WaitAsync(cancellationToken));
    }

    private async Task<ResolvedCaller> RefreshAsync(Entry entry, Credential credential, Question question)
    {
        var askedAt = time.GetTimestamp();
        try
        {
            var request = new ResolveCallerRequest
            {
                Workspace = question.Workspace,
                Environment = question.Environment,
                OnlyEnvironment = question.OnlyEnvironment,
            };
            if (credential.IsPersonal)
            {
                request.PersonalToken = credential.Token;
            }
            else
            {
                request.AccessToken = credential.Token;
            }

            request.Audiences.Add(audiences);
            using var patience = new CancellationTokenSource(_patience, time);
            var headers = await assertions.HeadersAsync(Identity, patience.Token);
            var answer = await identity.ResolveCallerAsync(request, headers, DateTime.UtcNow + _patience);
            var caller = new ResolvedCaller(answer);
            lock (entry)
            {
                (entry.Caller, entry.AskedAt) = (caller, askedAt);
            }

            return caller;
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            if (exception is RpcException { StatusCode: StatusCode.Unauthenticated })
            {
                assertions.Forget(Identity);
            }

            throw new IdentityUnavailableException(exception);
        }
        finally
        {
            lock (entry)
            {
                entry.Refresh = null;
            }
        }
    }

    private void Sweep()
    {
        foreach (var (question, entry) in _entries)
        {
            if (entry.Refresh is null && time.GetElapsedTime(entry.AskedAt) > _lifetime * 4)
            {
                _entries.TryRemove(question, out _);
            }
        }
    }

    private readonly record struct Question(TokenKey Token, string Workspace, string Environment, bool OnlyEnvironment);

    private sealed class Entry
    {
        public ResolvedCaller? Caller { get; set; }

        public long AskedAt { get; set; }

        public Task<ResolvedCaller>? Refresh { get; set; }
    }
}
