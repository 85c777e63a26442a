using System.Text.Json.Nodes;

namespace Platform.Bench.Campaign;

/// <summary>All kinds of writes, each of a name that nothing else has.</summary>
internal sealed partial class Load
{
    private async Task CreateRecordAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Record, Marker(), 1, IsKeyed()));
        await DoAsync(deed, Kinds.DataWrites, "create_record", new() { ["tableId"] = Table, ["fields"] = Values(deed.Marker) });
    }

    private async Task CreateRecordsAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Record, Marker(), 3, IsKeyed()));
        var records = Enumerable.Range(0, deed.Size).Select(_ => new JsonObject { ["fields"] = Values(deed.Marker) });
        await DoAsync(deed, Kinds.DataWrites, "create_records", new() { ["tableId"] = Table, ["records"] = new JsonArray([.. records]) });
    }

    private Task<JsonObject?> UpdateRecordAsync() =>
        DoAsync(
            ledger.Add(new Deed(null, Marker(), 1, IsKeyed())),
            Kinds.DataWrites,
            "update_record",
            new()
            {
                ["tableId"] = Table,
                ["recordId"] = AnyRecord(),
                ["fields"] = new JsonObject { [ValueField] = Next(1_000_000) },
            }
        );

    private async Task UpsertRecordAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Record, Marker(), 1, IsKeyed()));
        await DoAsync(
            deed,
            Kinds.DataWrites,
            "upsert_records",
            new()
            {
                ["tableId"] = Table,
                ["matchFields"] = new JsonArray(NameField),
                ["records"] = new JsonArray(new JsonObject { ["fields"] = Values(deed.Marker) }),
            }
        );
    }

    private async Task ImportAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Record, Marker(), 5, IsKeyed()));
        var rows = string.Concat(Enumerable.Range(0, deed.Size).Select(row => $"{deed.Marker},{row}\n"));
        await DoAsync(deed, Kinds.DataWrites, "import_csv", new() { ["tableId"] = Table, ["csv"] = $"{NameField},{ValueField}\n{rows}" });
    }

    private async Task DeleteRecordAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Record, Marker(), 1, IsKeyed: true));
        var created = await DoAsync(
            deed,
            Kinds.DataWrites,
            "create_record",
            new() { ["tableId"] = Table, ["fields"] = Values(deed.Marker) }
        );
        if (created is not null)
        {
            deed.IsTakenBack = true;
            await ConfirmAsync(
                Kinds.DataWrites,
                "delete_records",
                new() { ["tableId"] = Table, ["recordIds"] = new JsonArray(Id(created, "record")) },
                IsKeyed()
            );
        }
    }

    private async Task CreateTableAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Table, Marker(), 1, IsKeyed()));
        await DoAsync(
            deed,
            Kinds.DataWrites,
            "create_table",
            new()
            {
                ["databaseId"] = _database,
                ["name"] = deed.Marker,
                ["fields"] = new JsonArray(Field(NameField, "text")),
            }
        );
    }

    private async Task CreateFieldAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Field, Marker(), 1, IsKeyed()));
        await DoAsync(deed, Kinds.DataWrites, "create_field", new() { ["tableId"] = Table, ["field"] = Field(deed.Marker, "text") });
    }

    private async Task CreateViewAsync()
    {
        var deed = ledger.Add(new Deed(Counts.View, Marker(), 1, IsKeyed()));
        await DoAsync(deed, Kinds.DataWrites, "create_view", new() { ["tableId"] = Table, ["name"] = deed.Marker });
    }

    private async Task CreateOrganizationAsync() => await CreateOrganizationAsync(IsKeyed());

    private async Task<(Deed Deed, JsonObject? Answer)> CreateOrganizationAsync(bool isKeyed)
    {
        var deed = ledger.Add(new Deed(Counts.Organization, Marker(), 1, isKeyed));
        return (deed, await DoAsync(deed, Kinds.DirectoryWrites, "create_organization", new() { ["name"] = deed.Marker }));
    }

    private async Task CreateUserAsync()
    {
        var deed = ledger.Add(new Deed(Counts.User, $"{Marker()}@people.example", 1, IsKeyed()));
        await DoAsync(deed, Kinds.DirectoryWrites, "create_user", new() { ["email"] = deed.Marker });
    }

    private async Task CreateMembershipAsync()
    {
        if ((await CreateOrganizationAsync(isKeyed: true)).Answer is { } organization)
        {
            await DoAsync(
                ledger.Add(new Deed(null, Marker(), 1, IsKeyed())),
                Kinds.DirectoryWrites,
                "create_membership",
                new() { ["organizationId"] = Id(organization, "organization"), ["userId"] = _user }
            );
        }
    }

    private async Task InviteAsync()
    {
        var deed = ledger.Add(new Deed(Counts.Invitation, $"{Marker()}@people.example", 1, IsKeyed()));
        await DoAsync(
            deed,
            Kinds.DirectoryWrites,
            "create_invitations",
            new() { ["organizationId"] = _organization, ["invitations"] = new JsonArray(new JsonObject { ["email"] = deed.Marker }) }
        );
    }

    private async Task DeleteOrganizationAsync()
    {
        var (deed, organization) = await CreateOrganizationAsync(isKeyed: true);
        if (organization is not null)
        {
            deed.IsTakenBack = true;
            await ConfirmAsync(
                Kinds.DirectoryWrites,
                "delete_organization",
                new() { ["organizationId"] = Id(organization, "organization") },
                IsKeyed()
            );
        }
    }

    private async Task UndoAsync()
    {
        var (deed, organization) = await CreateOrganizationAsync(isKeyed: true);
        if (organization?["callId"]?.GetValue<string>() is { } callId)
        {
            deed.IsTakenBack = true;
            await ConfirmAsync(Kinds.Tasks, "undo_change", new() { ["callId"] = callId }, IsKeyed());
        }
    }
}
