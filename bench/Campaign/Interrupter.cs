using System.Diagnostics;
using Platform.EndToEnd.Tests;

namespace Platform.Bench.Campaign;

/// <summary>Kills, pauses and cuts off what the suite consists of, one after the other, each time until everything answers again.</summary>
internal sealed class Interrupter(SuiteProcesses processes, Databases databases, Ledger ledger, CampaignOptions options, Random random)
{
    public const string Kill = "kill";
    public const string Pause = "pause";
    public const string Sessions = "sessions";
    public const string Alarm = "alarm";

    private const string EndSessions = """
        select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        """;

    private static readonly TimeSpan _recovery = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _startAgain = TimeSpan.FromMinutes(5);
    private static readonly IReadOnlyList<(string How, string What)> _round =
    [
        (Kill, "edge"),
        (Kill, "data"),
        (Kill, "directory"),
        (Kill, "audit"),
        (Kill, "identity"),
        (Kill, "postgres"),
        (Kill, "rabbitmq"),
        (Kill, "redis"),
        (Kill, "data"),
        (Kill, "directory"),
        (Kill, "edge"),
        (Kill, "audit"),
    ];

    // Each round has some of these on top.
    private static readonly IReadOnlyList<(string How, string What)> _extras =
    [
        (Kill, "keycloak"),
        (Sessions, Databases.Data),
        (Pause, "data"),
        (Sessions, Databases.Directory),
        (Pause, "postgres"),
        (Kill, "keycloak"),
        (Alarm, "rabbitmq"),
        (Pause, "audit"),
        (Sessions, Databases.Audit),
        (Pause, "edge"),
        (Pause, "rabbitmq"),
        (Sessions, Databases.Identity),
        (Kill, "keycloak"),
        (Pause, "directory"),
        (Pause, "identity"),
        (Pause, "redis"),
    ];

    private readonly List<string> _failed = [];

    public Check AllStartedAgain() =>
        new("Everything that was interrupted starts again", $"{ledger.Interruptions.Count} interruptions", _failed);

    /// <summary>Stops after the interruption that is under way when <paramref name="end"/> comes.</summary>
    public async Task RunAsync(CancellationToken end)
    {
        var (kills, extra) = (0, 0);
        while (kills < options.Kills)
        {
            List<(string How, string What)> round = [.. _round, .. Enumerable.Range(0, 3).Select(_ => _extras[extra++ % _extras.Count])];
            foreach (var (how, what) in Shuffled(round).Where(one => options.Only is null || Service(one.What) == options.Only))
            {
                await InterruptAsync(how, what);
                kills += how == Kill ? 1 : 0;
                if (kills >= options.Kills || end.IsCancellationRequested)
                {
                    return;
                }
            }
        }
    }

    private async Task InterruptAsync(string how, string what)
    {
        var interruption = new Interruption(how, what, DateTimeOffset.UtcNow);
        ledger.Add(interruption);
        try
        {
            await CarryOutAsync(how, what);
        }
        catch (Exception exception)
        {
            // The rest of the campaign is worth having all the same.
            _failed.Add($"{how} {what}: {exception.Message}");
        }

        interruption.Over = DateTimeOffset.UtcNow;
        await WaitUntilAnsweredAsync(interruption.Over);
        var took = DateTimeOffset.UtcNow - interruption.Began;
        Console.WriteLine($"{interruption.Began:HH:mm:ss} {how} {what}: all answered after {took.TotalSeconds:F1} s");
        await Task.Delay(random.Next(1500));
    }

    private Task CarryOutAsync(string how, string what) =>
        how switch
        {
            Kill => processes.KillAsync(what, new CancellationTokenSource(_startAgain).Token),
            Pause => processes.PauseAsync(what, TimeSpan.FromSeconds(3 + random.Next(4)), CancellationToken.None),
            Sessions => EndSessionsAsync(what),
            _ => RaiseAlarmAsync(),
        };

    // Every kind of call has had a good answer to a call that began after everything was there again. What never gets one is a finding.
    private async Task WaitUntilAnsweredAsync(DateTimeOffset since)
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < _recovery)
        {
            var answered = ledger
                .Attempts.Reverse()
                .TakeWhile(attempt => attempt.Ended > since)
                .Where(attempt => attempt.IsGood && attempt.Began > since)
                .Select(attempt => attempt.Kind)
                .ToHashSet();
            if (Kinds.All.All(kind => answered.Contains(kind) || !ledger.Attempts.Any(attempt => attempt.Kind == kind)))
            {
                return;
            }

            await Task.Delay(200);
        }
    }

    private async Task EndSessionsAsync(string database)
    {
        // Several times, so that some are in the middle of a commit.
        for (var i = 0; i < 10; i++)
        {
            await databases.CountAsync(database, EndSessions);
            await Task.Delay(random.Next(300));
        }
    }

    // The broker takes nothing while the disk has less room than it wants.
    private async Task RaiseAlarmAsync()
    {
        await AskBrokerAsync("rabbitmqctl", "set_disk_free_limit", "9000GB");
        var raised = await TellsAlarmAsync();
        await Task.Delay(TimeSpan.FromSeconds(8));
        await AskBrokerAsync("rabbitmqctl", "set_disk_free_limit", "64MB");
        if (!raised || await TellsAlarmAsync())
        {
            throw new InvalidOperationException(raised ? "The alarm did not end." : "There was no alarm.");
        }
    }

    private async Task<bool> TellsAlarmAsync() => await EndOfAsync("rabbitmq-diagnostics", "check_alarms") != 0;

    private async Task AskBrokerAsync(string program, params string[] arguments)
    {
        if (await EndOfAsync(program, arguments) is not 0 and var code)
        {
            throw new InvalidOperationException($"{program} ended with {code}.");
        }
    }

    /// <returns>The exit code.</returns>
    private async Task<int> EndOfAsync(string program, params string[] arguments)
    {
        var (_, process) = await processes.FindAsync("rabbitmq", CancellationToken.None);
        var environment = (await File.ReadAllTextAsync($"/proc/{process}/environ"))
            .Split('\0')
            .Select(variable => variable.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
        var start = new ProcessStartInfo(Path.Combine("/usr/lib/rabbitmq/bin", program), ["-q", "-n", "rabbit@localhost", .. arguments])
        {
            Environment = { ["HOME"] = Path.Combine(environment["DATA"], "home"), ["ERL_EPMD_PORT"] = environment["PORT_EPMD"] },
        };
        using var command = Process.Start(start)!;
        await command.WaitForExitAsync();
        return command.ExitCode;
    }

    private List<T> Shuffled<T>(List<T> items) =>
        [.. items.Select(item => (item, random.Next())).OrderBy(pair => pair.Item2).Select(pair => pair.item)];

    private static string Service(string what) => what.EndsWith("db", StringComparison.Ordinal) ? what[..^2] : what;
}
