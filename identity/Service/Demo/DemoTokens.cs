using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.PersonalTokens;
using Platform.Identity.Service.Workspaces;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Demo;

/// <summary>
/// Gives each member of the demo workspace a personal token, and writes it down beside the password. A token of an earlier start that still
/// works is kept. The service is not ready before: whoever waits for it finds the file.
/// </summary>
internal sealed partial class DemoTokens(
    UnitOfWork work,
    PersonalTokenFinder tokens,
    MemberDirectory directory,
    DemoCredentials demo,
    TimeProvider time,
    ILogger<DemoTokens> log
) : BackgroundService, IHealthCheck
{
    private const int Days = 90;

    private const string RevokeEarlier = """
        update identity.personal_token set revoked_at = $2, revoked_by = $1
        where member_id = $1 and name = 'Demo' and revoked_at is null
        returning id
        """;

    private readonly SemaphoreSlim _writing = new(1, 1);
    private volatile bool _written;

    /// <summary>False while directory does not know all members yet.</summary>
    public async Task<bool> WriteAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            return _written || (_written = await TryWriteAsync(cancellationToken));
        }
        finally
        {
            _writing.Release();
        }
    }

    public override void Dispose()
    {
        _writing.Dispose();
        base.Dispose();
    }

    private async Task<bool> TryWriteAsync(CancellationToken cancellationToken)
    {
        var credentials = new List<DemoCredential>();
        foreach (var member in demo.Members)
        {
            if (
                await directory.FindByEmailAsync(member.Email, cancellationToken) is not [var membership, ..]
                || !Ids.TryParse("wks", membership.WorkspaceId, out var workspace)
                || !Ids.TryParse("mbr", membership.MemberId, out var id)
            )
            {
                return false;
            }

            var known = demo.Earlier.FirstOrDefault(credential => credential.Username == member.Username)?.Token;
            var token =
                known is not null && await WorksAsync(known, id, cancellationToken)
                    ? known
                    : await CreateAsync(workspace, id, cancellationToken);
            credentials.Add(new DemoCredential(member.Role, member.Username, member.Password, token));
        }

        demo.Write(credentials);
        return true;
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            _written ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The demo members have no personal tokens yet.")
        );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await WriteAsync(stoppingToken))
                {
                    LogWritten(demo.Members.Count);
                    return;
                }
            }
            catch (Exception exception) when (exception is RpcException or Npgsql.NpgsqlException)
            {
                if (attempt % 30 == 0)
                {
                    LogWaiting(exception);
                }
            }

            await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
        }
    }

    private async Task<bool> WorksAsync(string token, Guid member, CancellationToken cancellationToken) =>
        PersonalToken.IsWellFormed(token)
        && (await tokens.FindAsync(token, cancellationToken)).Token is { RevokedAt: null } found
        && found.MemberId == member
        && found.ExpiresAt > time.GetUtcNow().AddDays(1);

    private async Task<string> CreateAsync(Guid workspace, Guid member, CancellationToken cancellationToken)
    {
        var secret = PersonalToken.Create();
        await work.WriteAsync(
            OwnCall.For(workspace),
            async tx =>
            {
                foreach (var revoked in await tx.QueryAsync(RevokeEarlier, row => row.GetGuid(0), member, tx.Now.UtcDateTime))
                {
                    var id = Ids.Format("tok", revoked);
                    tx.Announce(
                        new PersonalTokenRevoked(tx.NewEventId(), workspace, tx.Now, id, Ids.Format("mbr", member)),
                        "personal_token.revoked",
                        new Target("personal_token", id)
                    );
                }

                await PersonalTokenWriter.CreateAsync(tx, member, "Demo", Scopes.All, tx.Now.AddDays(Days), secret);
                return new Empty();
            },
            SessionSettings.Default,
            cancellationToken
        );
        return secret;
    }

    [LoggerMessage(4041, LogLevel.Information, "Wrote down the credentials of {Count} demo members")]
    private partial void LogWritten(int count);

    [LoggerMessage(4042, LogLevel.Warning, "The demo members have no personal tokens yet; directory does not answer")]
    private partial void LogWaiting(Exception exception);
}
