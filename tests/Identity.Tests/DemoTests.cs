using System.Text.Json.Nodes;
using Platform.Contracts;
using Platform.Identity.Contracts.V1;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.Demo;
using Platform.Identity.Service.PersonalTokens;
using Platform.Testing;

namespace Platform.Identity.Tests;

public sealed class DemoTests(DemoTests.Fixture identity) : IClassFixture<DemoTests.Fixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_demo_member_gets_a_token_that_outlives_a_restart_and_the_file_is_for_its_owner_alone()
    {
        Assert.False(await identity.Get<DemoTokens>().WriteAsync(Cancellation));
        Assert.False(File.Exists(identity.Path));
        var workspace = Ids.Format("wks", Ids.New());
        foreach (var role in new[] { Roles.Owner, Roles.Editor, Roles.Viewer })
        {
            identity.Directory.Add(role, workspace: workspace, email: $"{role}@demo.example");
        }

        Assert.True(await identity.Get<DemoTokens>().WriteAsync(Cancellation));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(identity.Path));
        }

        var written = Read();
        Assert.Equal(
            [("owner", "chosen by the operator"), ("editor", null), ("viewer", null)],
            written.Select(member => ((string)member!["role"]!, (string)member["role"]! == "owner" ? (string?)member["password"] : null))
        );
        foreach (var member in written)
        {
            Assert.True(((string)member!["password"]!).Length >= 12);
            var response = await identity.ResolveAsync((string)member["token"]!);
            Assert.Equal(Refusal.Unspecified, response.Refusal);
            Assert.Equal((string)member["role"]!, response.Caller.Environment.Role);
        }

        // Another start reads what the first one wrote.
        var again = new DemoTokens(
            identity.Get<ServiceDefaults.State.UnitOfWork>(),
            identity.Get<PersonalTokenFinder>(),
            identity.Get<MemberDirectory>(),
            new DemoCredentials(identity.Get<Microsoft.Extensions.Options.IOptions<DemoOptions>>()),
            identity.Clock,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<DemoTokens>.Instance
        );
        Assert.True(await again.WriteAsync(Cancellation));
        Assert.Equal(written.ToJsonString(), Read().ToJsonString());
    }

    private JsonArray Read() => JsonNode.Parse(File.ReadAllText(identity.Path))!["members"]!.AsArray();

    public sealed class Fixture(PostgresFixture postgres) : IdentityFixture(postgres)
    {
        internal string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, $"demo-{Guid.NewGuid():N}", "credentials.json");

        protected override IEnumerable<KeyValuePair<string, string?>> Settings() =>
            base.Settings()
                .Concat(
                    new Dictionary<string, string?>
                    {
                        ["environment"] = "Development",
                        ["Demo:Seed"] = "true",
                        ["Demo:CredentialsPath"] = Path,
                        ["Demo:Passwords:owner"] = "chosen by the operator",
                    }
                );
    }
}
