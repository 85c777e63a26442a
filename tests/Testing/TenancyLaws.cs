using System.Data;
using Npgsql;
using Xunit;

namespace Platform.Testing;

/// <summary>Laws over every table of a service, asked of the database itself.</summary>
public static class TenancyLaws
{
    // A partition is reached through its table, whose policies hold; nobody is granted the partition itself.
    private const string UnforcedTables = """
        select c.oid::regclass::text as name
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
        where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace::regnamespace::text in ('platform', $1)
            and not (c.relrowsecurity and c.relforcerowsecurity)
        order by 1
        """;

    private const string UnscopedPolicies = """
        select format('%I.%I: %s', schemaname, tablename, policyname) as name from pg_policies
        where schemaname in ('platform', $1) and coalesce(qual, '') || coalesce(with_check, '') not like '%workspace_id()%'
        order by 1
        """;

    private static readonly string[] _sharedUnscoped =
    [
        "platform.idempotency: idempotency_owner",
        "platform.outbox: outbox_owner",
        "platform.outbox: outbox_relay_mark",
        "platform.outbox: outbox_relay_read",
        "platform.used_confirmation: used_confirmation_owner",
    ];

    /// <summary>
    /// Every table with a workspace has forced row-level security; every policy that lets somebody see past the workspace is listed.
    /// </summary>
    public static async Task AssertAsync(NpgsqlDataSource admin, string schema, params IReadOnlyList<string> unscopedPolicies)
    {
        Assert.Empty(await ListAsync(admin, UnforcedTables, schema));
        Assert.Equal(
            _sharedUnscoped.Concat(unscopedPolicies).Order(StringComparer.Ordinal),
            (await ListAsync(admin, UnscopedPolicies, schema)).Order(StringComparer.Ordinal)
        );
    }

    private static async Task<List<string>> ListAsync(NpgsqlDataSource admin, string sql, string schema)
    {
        await using var command = admin.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = schema });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString("name"));
        }

        return rows;
    }
}
