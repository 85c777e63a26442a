using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Tests;
using Platform.Testing;

namespace Platform.Identity.Tests.Joining;

/// <summary>Identity and directory in process, each on its own database, with a realm whose accounts are in memory.</summary>
public sealed class JoinFixture(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly LoggedIdentity _identity = new(postgres);
    private readonly LoggedDirectory _directory = new(postgres);

    public MailFixture Directory => _directory;

    public IdentityFixture Identity => _identity;

    internal FakeAccounts Realm => _identity.Forge.NewAccounts;

    internal FakeJoining Gate => _identity.Directory.Joining;

    /// <summary>What both services logged.</summary>
    internal IEnumerable<string> Log => _identity.Log.Lines.Concat(_directory.Log.Lines);

    /// <summary>The page of identity.</summary>
    public HttpClient CreateHttpClient(bool followsRedirects = true) => _identity.CreateHttpClient(followsRedirects);

    public async Task<(TestWorkspace Workspace, Guid Invitation, string Token)> InviteMemberAsync(string email)
    {
        var acme = await Directory.AddWorkspaceAsync();
        var result = (
            await Directory.MemberInvitations.InviteMembersAsync(
                new InviteMembersRequest { Invitations = { new MemberInvitationRow { Email = email } } },
                Directory.As(acme.Owner)
            )
        ).Results[0];
        Ids.TryParse("minv", result.InvitationId, out var id);
        return (acme, id, (await Directory.WaitForMailAsync(email))[^1].Token);
    }

    /// <summary>Presses the button of the page: the first one, or the one that sends a name and a password.</summary>
    /// <param name="site">Where a browser says that the form was.</param>
    public async Task<(HttpStatusCode Status, string Page)> SendAsync(
        string token,
        string? name = null,
        string? password = null,
        string? again = null,
        string? site = null
    )
    {
        var fields = new Dictionary<string, string> { ["token"] = token };
        if (name is not null)
        {
            (fields["name"], fields["password"], fields["again"]) = (name, password!, again ?? password!);
        }

        using var http = CreateHttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/join") { Content = new FormUrlEncodedContent(fields) };
        if (site is not null)
        {
            request.Headers.Add("Sec-Fetch-Site", site);
        }

        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public Task<long> CountMembersAsync(string email, string name) =>
        Directory.CountAsync("directory.member where email = $1 and display_name = $2", email, name);

    public async ValueTask InitializeAsync()
    {
        await _directory.InitializeAsync();
        await _identity.InitializeAsync();
        Gate.Behind = new(_directory.Channel);
        Gate.AsIdentity = () => _directory.As(TestCaller.AsService("identity"));
    }

    public async ValueTask DisposeAsync()
    {
        await _identity.DisposeAsync();
        await _directory.DisposeAsync();
    }

    private static void Listen(IServiceCollection services, CapturedLog log)
    {
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddFilter(_ => true));
        services.AddSingleton<ILoggerProvider>(log);
    }

    private sealed class LoggedDirectory(PostgresFixture postgres) : MailFixture(postgres)
    {
        public CapturedLog Log { get; } = new();

        protected override void Configure(IServiceCollection services) => Listen(services, Log);
    }

    private sealed class LoggedIdentity(PostgresFixture postgres) : IdentityFixture(postgres)
    {
        public CapturedLog Log { get; } = new();

        protected override void Configure(IServiceCollection services) => Listen(services, Log);
    }
}
