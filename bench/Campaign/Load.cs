using System.Text.Json.Nodes;

namespace Platform.Bench.Campaign;

/// <summary>
/// Puts calls of all kinds on the suite at a steady rate. Half of the writes have an idempotency key and are repeated until they are
/// answered; the others are sent once, and what is known of them is what their one answer says.
/// </summary>
internal sealed partial class Load(CampaignClient client, Ledger ledger, Random random, int perSecond)
{
    private const int MaxWaiting = 150;
    private const string NameField = "Name";
    private const string ValueField = "Value";

    // As long as an interruption can last.
    private static readonly TimeSpan _repeatFor = TimeSpan.FromMinutes(3);

    private readonly List<Task> _waiting = [];
    private readonly List<string> _records = [];
    private string _database = "";
    private string _organization = "";
    private string _user = "";

    /// <summary>The table that all records go to.</summary>
    public string Table { get; private set; } = "";

    /// <summary>Calls that were due and not made, because too many waited for an answer.</summary>
    public int Skipped { get; private set; }

    public async Task PrepareAsync()
    {
        _database = Id(await MakeAsync("create_database", new() { ["name"] = Marker() }), "database");
        Table = Id(
            await MakeAsync(
                "create_table",
                new()
                {
                    ["databaseId"] = _database,
                    ["name"] = "Things",
                    ["fields"] = new JsonArray(Field(NameField, "text"), Field(ValueField, "number")),
                }
            ),
            "table"
        );
        var records = await MakeAsync(
            "create_records",
            new()
            {
                ["tableId"] = Table,
                ["records"] = new JsonArray([.. Enumerable.Range(0, 100).Select(_ => new JsonObject { ["fields"] = Values("base") })]),
            }
        );
        _records.AddRange(records["recordIds"]!.AsArray().Select(id => id!.GetValue<string>()));
        _organization = Id(await MakeAsync("create_organization", new() { ["name"] = Marker() }), "organization");
        _user = Id(await MakeAsync("create_user", new() { ["email"] = $"{Marker()}@people.example" }), "user");
    }

    /// <summary>Calls until the token is cancelled, and then waits for what is under way.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var deck = new List<(double Weight, Func<Task> Call)>
        {
            (2.0, () => ReadAsync(Kinds.DataReads, "get_record", new() { ["tableId"] = Table, ["recordId"] = AnyRecord() })),
            (1.5, () => ReadAsync(Kinds.DataReads, "search_records", Search())),
            (1.0, () => ReadAsync(Kinds.DataReads, "list_databases", [])),
            (1.5, () => ReadAsync(Kinds.DirectoryReads, "list_organizations", new() { ["limit"] = 5 })),
            (1.5, () => ReadAsync(Kinds.DirectoryReads, "get_organization", new() { ["organizationId"] = _organization })),
            (1.5, () => ReadAsync(Kinds.Whoami, "whoami", [])),
            (1.5, () => ReadAsync(Kinds.Audit, "search_audit_events", new() { ["limit"] = 2 })),
            (1.5, CreateRecordAsync),
            (1.0, CreateRecordsAsync),
            (1.5, UpdateRecordAsync),
            (0.5, UpsertRecordAsync),
            (0.5, ImportAsync),
            (0.4, DeleteRecordAsync),
            (0.1, CreateTableAsync),
            (0.1, CreateFieldAsync),
            (0.1, CreateViewAsync),
            (1.0, CreateOrganizationAsync),
            (0.5, CreateUserAsync),
            (0.2, CreateMembershipAsync),
            (0.8, InviteAsync),
            (0.2, DeleteOrganizationAsync),
            (0.5, UndoAsync),
            (0.7, ReadSettingsAsync),
            (0.3, CreateTokenAsync),
            (0.1, RevokeTokenAsync),
            (0.4, SignInAsync),
        };
        var total = deck.Sum(card => card.Weight);
        using var clock = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / perSecond));
        while (!stop.IsCancellationRequested)
        {
            await clock.WaitForNextTickAsync(CancellationToken.None);
            _waiting.RemoveAll(call => call.IsCompletedSuccessfully);
            if (_waiting.Count >= MaxWaiting)
            {
                Skipped++;
                continue;
            }

            var drawn = Next(1_000_000) / 1e6 * total;
            _waiting.Add(deck.First(card => (drawn -= card.Weight) < 0).Call());
        }

        await Task.WhenAll(_waiting);
    }

    private Task<Attempt> ReadAsync(string kind, string tool, JsonObject arguments) => client.CallAsync(kind, tool, arguments);

    /// <summary>Makes what the campaign needs, with a key, until it is there.</summary>
    private async Task<JsonObject> MakeAsync(string tool, JsonObject arguments)
    {
        var deed = ledger.Add(new Deed(null, Marker(), 1, IsKeyed: true));
        return await DoAsync(deed, Kinds.DataWrites, tool, arguments)
            ?? throw new InvalidOperationException($"{tool}: {deed.Attempts[^1].Answer} {deed.Attempts[^1].Text}");
    }

    /// <summary>Does it: once without a key, and with one until it is answered. Returns the answer, if there was a good one.</summary>
    private async Task<JsonObject?> DoAsync(Deed deed, string kind, string tool, JsonObject arguments)
    {
        if (deed.IsKeyed)
        {
            arguments["idempotencyKey"] = Guid.NewGuid().ToString("N");
        }

        var until = DateTimeOffset.UtcNow + _repeatFor;
        for (var wait = 200; ; wait = Math.Min(wait * 2, 2000))
        {
            var attempt = await client.CallAsync(kind, tool, arguments.DeepClone().AsObject());
            deed.Attempts.Add(attempt with { Content = null });
            if (attempt.IsGood || !deed.IsKeyed || !attempt.IsOutage || DateTimeOffset.UtcNow > until)
            {
                return attempt.Content;
            }

            await Task.Delay(wait);
        }
    }

    /// <summary>The two steps of a destructive call. The first changes nothing, so it is no part of the deed.</summary>
    private async Task ConfirmAsync(string kind, string tool, JsonObject arguments, bool isKeyed)
    {
        var preview = await client.CallAsync(kind, tool, arguments.DeepClone().AsObject());
        if (preview.Content?["confirmation"]?.GetValue<string>() is { } confirmation)
        {
            arguments["confirmation"] = confirmation;
            await DoAsync(ledger.Add(new Deed(null, Marker(), 1, isKeyed)), kind, tool, arguments);
        }
    }

    private bool IsKeyed() => Next(2) == 0;

    private string AnyRecord() => _records[Next(_records.Count)];

    // Calls go on while others begin.
    private int Next(int below)
    {
        lock (random)
        {
            return random.Next(below);
        }
    }

    private static string Marker() => $"m{Guid.NewGuid():N}"[..20];

    private static string Id(JsonObject answer, string what) => answer[what]!["id"]!.GetValue<string>();

    private static JsonObject Field(string name, string type) => new() { ["name"] = name, ["type"] = type };

    private JsonObject Values(string name) => new() { [NameField] = name, [ValueField] = Next(1_000_000) };

    private JsonObject Search() =>
        new()
        {
            ["tableId"] = Table,
            ["filter"] = new JsonObject
            {
                ["operator"] = "IS",
                ["leftSide"] = NameField,
                ["rightSide"] = "base",
            },
            ["limit"] = 5,
        };
}
