using System.Data.Common;
using System.Diagnostics;
using System.Text.Json;
using Platform.Demo;
using Platform.LocalServers;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

/// <summary>
/// deploy/backup and deploy/restore: a suite on a restored server answers as before, and its audit log goes on where it was.
/// </summary>
public sealed class BackupTests
{
    private static readonly string _root = Path.GetDirectoryName(Checkout.Artifacts)!;
    private static readonly string[] _committed = ["committed"];
    private static readonly object[] _fields = [new { name = "title", type = "text" }];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_restored_suite_answers_as_before_and_its_log_goes_on()
    {
        var folder = Path.Combine(Checkout.Artifacts, $"backup-{Guid.NewGuid():n}");
        try
        {
            string token,
                table,
                records,
                events,
                organizations,
                checkpoint;
            await using (var first = new Suite(Path.Combine(folder, "first")))
            {
                await first.InitializeAsync();
                token = first.Endpoints.Owner.Token;
                using var owner = new RawCalls(first.Endpoints.Mcp, token);
                await CallAsync(owner, "create_organization", new { name = "Kept" });
                var database = (await CallAsync(owner, "create_database", new { name = "Kept" }))
                    .GetProperty("database")
                    .GetProperty("id")
                    .GetString();
                table = (
                    await CallAsync(
                        owner,
                        "create_table",
                        new
                        {
                            databaseId = database,
                            name = "Films",
                            fields = _fields,
                        }
                    )
                ).GetProperty("table").GetProperty("id").GetString()!;
                await CallAsync(
                    owner,
                    "create_records",
                    new { tableId = table, records = new[] { new { fields = new { title = "Metropolis" } } } }
                );
                (records, organizations) = (await RecordsAsync(owner, table), await OrganizationsAsync(owner));
                var connection = await first.ConnectionStringAsync("postgres", Cancellation);
                await Eventually.AsyncTrue(async () => (await EventsAsync(owner)).Contains("record.created", StringComparison.Ordinal));
                events = await EventsAsync(owner);
                checkpoint = await Eventually.AsyncFound(() => CheckpointAsync(connection));
                await RunAsync("backup", connection, Path.Combine(folder, "backup"));
            }

            var second = new Suite(Path.Combine(folder, "second"));
            // Keycloak has a store of its own.
            CopyFolder(
                first: Suite.DataOf(Path.Combine(folder, "first"), "keycloak"),
                second: Suite.DataOf(Path.Combine(folder, "second"), "keycloak")
            );
            // Without it the second suite would make new tokens for the demo's members.
            File.Copy(Path.Combine(folder, "first", "demo-credentials.json"), Path.Combine(folder, "second", "demo-credentials.json"));
            await using (
                var server = await LocalServer.StartPostgresAsync(
                    Suite.DataOf(Path.Combine(folder, "second"), "postgres"),
                    LocalServer.NewPassword(),
                    durable: true,
                    Cancellation
                )
            )
            {
                await RunAsync("restore", server.ConnectionString, Path.Combine(folder, "backup"));
                Assert.Equal(checkpoint, await CheckpointAsync(server.ConnectionString, checkpoint));
                checkpoint = (await CheckpointAsync(server.ConnectionString))!;
                var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
                    RunAsync("restore", server.ConnectionString, Path.Combine(folder, "backup"))
                );
                Assert.Contains("not empty", refused.Message, StringComparison.Ordinal);
            }

            await using (second)
            {
                await second.InitializeAsync();
                using var owner = new RawCalls(second.Endpoints.Mcp, token);
                Assert.Equal(records, await RecordsAsync(owner, table));
                Assert.Equal(organizations, await OrganizationsAsync(owner));
                Assert.StartsWith(events[..^1], await EventsAsync(owner), StringComparison.Ordinal);
                await CallAsync(owner, "create_organization", new { name = "Made after the restore" });
                var connection = await second.ConnectionStringAsync("postgres", Cancellation);
                // Signed by the key of before, over a tree that grew from the restored one.
                var next = await Eventually.AsyncFound(async () =>
                    await CheckpointAsync(connection) is { } newest && newest != checkpoint ? newest : null
                );
                Assert.Equal(checkpoint.Split('|')[0], next.Split('|')[0]);
                Assert.True(
                    long.Parse(next.Split('|')[1], System.Globalization.CultureInfo.InvariantCulture)
                        > long.Parse(checkpoint.Split('|')[1], System.Globalization.CultureInfo.InvariantCulture),
                    $"{checkpoint} then {next}"
                );
                Assert.Equal(checkpoint.Split('|')[3], next.Split('|')[3]);
            }
        }
        finally
        {
            SuiteFolder.Delete(Path.Combine(folder, "first"));
            SuiteFolder.Delete(Path.Combine(folder, "second"));
            SuiteFolder.Delete(folder);
        }
    }

    private static async Task<JsonElement> CallAsync(RawCalls calls, string tool, object arguments)
    {
        var result = await calls.CallAsync(tool, arguments);
        return result.TryGetProperty("structuredContent", out var answer)
            ? answer
            : throw new InvalidOperationException(result.GetRawText());
    }

    private static async Task<string> RecordsAsync(RawCalls calls, string table) =>
        (await CallAsync(calls, "list_records", new { tableId = table })).GetProperty("records").GetRawText();

    private static async Task<string> OrganizationsAsync(RawCalls calls) =>
        (await CallAsync(calls, "list_organizations", new { })).GetProperty("organizations").GetRawText();

    // What is committed for good: reads are on record too, and go on.
    private static async Task<string> EventsAsync(RawCalls calls) => (
            await CallAsync(
                calls,
                "search_audit_events",
                new
                {
                    outcomes = _committed,
                    order = "oldest_first",
                    limit = 100,
                }
            )
        ).GetProperty("events").GetRawText();

    // The newest of the demo's workspace, or the one named: workspace, size, root, key.
    private static async Task<string?> CheckpointAsync(string connection, string? wanted = null)
    {
        var answer = await ProgramAsync(
            "psql",
            [
                "--no-psqlrc",
                "--tuples-only",
                "--no-align",
                "--dbname=auditdb",
                "--command",
                "select workspace_id, size, encode(root, 'hex'), key_id from audit.checkpoint order by made_at desc, size desc limit 500",
            ],
            connection
        );
        var lines = answer.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return wanted is null ? lines.FirstOrDefault() : lines.SingleOrDefault(line => line == wanted);
    }

    private static Task<string> RunAsync(string script, string connection, string folder) =>
        ProgramAsync(Path.Combine(_root, "deploy", script), [folder], connection);

    private static async Task<string> ProgramAsync(string program, IEnumerable<string> arguments, string connection)
    {
        var settings = new DbConnectionStringBuilder { ConnectionString = connection };
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (
            var (variable, setting) in new[] { ("PGHOST", "Host"), ("PGPORT", "Port"), ("PGUSER", "Username"), ("PGPASSWORD", "Password") }
        )
        {
            start.Environment[variable] = (string)settings[setting];
        }

        using var process = Process.Start(start)!;
        var output = await Task.WhenAll(
            process.StandardOutput.ReadToEndAsync(Cancellation),
            process.StandardError.ReadToEndAsync(Cancellation)
        );
        await process.WaitForExitAsync(Cancellation);
        return process.ExitCode == 0 ? output[0] : throw new InvalidOperationException($"{program}: {string.Join('\n', output)}");
    }

    private static void CopyFolder(string first, string second)
    {
        foreach (
            var file in System.IO.Directory.Exists(first) ? System.IO.Directory.EnumerateFiles(first, "*", SearchOption.AllDirectories) : []
        )
        {
            var target = Path.Combine(second, Path.GetRelativePath(first, file));
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private sealed class Suite(string folder) : RunningSuite
    {
        private protected override IEnumerable<string> Settings => ["--Servers:Keycloak=embedded", "--Servers:Durable=false"];

        private protected override string Artifacts => folder;

        // The test needs it after the suite.
        private protected override void CleanUp() { }

        public static string DataOf(string folder, string resource) => Path.Combine(folder, "servers", resource);
    }
}
