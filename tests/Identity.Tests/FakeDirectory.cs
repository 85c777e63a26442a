using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Testing;

namespace Platform.Identity.Tests;

/// <summary>Directory as identity sees it: its gRPC contract over a socket, with members that tests put there.</summary>
public sealed class FakeDirectory : Members.MembersBase, IAsyncDisposable
{
    private readonly GrpcHost _host = new();
    private readonly ConcurrentDictionary<string, (string Sandbox, string Live)> _environments = new();

    internal ConcurrentDictionary<string, Membership> Members { get; } = new();

    /// <summary>Which members an account is bound to.</summary>
    internal ConcurrentDictionary<string, ConcurrentBag<string>> Bound { get; } = new();

    /// <summary>The assertions that came with the calls.</summary>
    internal ConcurrentQueue<string> Assertions { get; } = new();

    /// <summary>When set, nothing is answered, as when no process listens.</summary>
    internal bool IsAway { get; set; }

    /// <summary>When set, calls are taken and not answered, as by a process that hangs.</summary>
    internal bool Hangs { get; set; }

    internal FakeJoining Joining { get; } = new();

    internal string Url => _host.Url;

    internal Task StartAsync() => _host.Add(this).Add(Joining).StartAsync();

    /// <summary>A member of a workspace with a sandbox and a production environment: with a role in each, or none (empty, null).</summary>
    internal Membership Add(
        string role,
        string? productionRole = null,
        string? subject = null,
        string? workspace = null,
        string? email = null
    )
    {
        var member = new Membership
        {
            WorkspaceId = workspace ?? Ids.Format("wks", Ids.New()),
            WorkspaceName = "Acme",
            MemberId = Ids.Format("mbr", Ids.New()),
            Email = email ?? $"{Guid.NewGuid():N}@example.com",
            DisplayName = "Ada Example",
        };
        var (sandbox, live) = _environments.GetOrAdd(member.WorkspaceId, _ => (Ids.Format("env", Ids.New()), Ids.Format("env", Ids.New())));
        (role.Length > 0 ? member.Environments : member.OtherEnvironments).Add(
            new MemberEnvironment
            {
                EnvironmentId = sandbox,
                Name = "Sandbox",
                Kind = "sandbox",
                IsDefault = true,
                Role = role,
            }
        );
        (productionRole is not null ? member.Environments : member.OtherEnvironments).Add(
            new MemberEnvironment
            {
                EnvironmentId = live,
                Name = "Live",
                Kind = "production",
                Role = productionRole ?? "",
            }
        );
        Members[member.MemberId] = member;
        if (subject is not null)
        {
            member.Subject = subject;
            Bound.GetOrAdd(subject, _ => []).Add(member.MemberId);
        }

        return member;
    }

    public override async Task<ResolveMemberResponse> ResolveMember(ResolveMemberRequest request, ServerCallContext context)
    {
        if (Hangs)
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }

        if (IsAway)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "Error connecting to subchannel."));
        }

        Assertions.Enqueue(context.RequestHeaders.GetValue("authorization") ?? "");
        var found = request.WhoCase switch
        {
            ResolveMemberRequest.WhoOneofCase.Subject => Bound.TryGetValue(request.Subject, out var ids)
                ? ids.Select(id => Members.GetValueOrDefault(id))
                : [],
            ResolveMemberRequest.WhoOneofCase.MemberId => [Members.GetValueOrDefault(request.MemberId)],
            _ => Members.Values.Where(member => member.Email == request.Email),
        };
        return Answer(
            found.OfType<Membership>().Where(member => request.WorkspaceId.Length == 0 || member.WorkspaceId == request.WorkspaceId)
        );
    }

    public override Task<ResolveMemberResponse> BindSubject(BindSubjectRequest request, ServerCallContext context)
    {
        var bound = Bound.GetOrAdd(request.Subject, _ => []);
        foreach (var member in Members.Values.Where(member => member.Email == request.VerifiedEmail && !bound.Contains(member.MemberId)))
        {
            bound.Add(member.MemberId);
        }

        return Task.FromResult(Answer(bound.Select(id => Members[id])));
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private static ResolveMemberResponse Answer(IEnumerable<Membership> members)
    {
        var response = new ResolveMemberResponse { AsOf = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow()) };
        response.Memberships.Add(members);
        return response;
    }
}
