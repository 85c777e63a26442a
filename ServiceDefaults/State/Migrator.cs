using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults.State;

/// <summary>
/// Applies numbered forward-only SQL migrations: those that every service shares, then the service's own, each in a transaction. It
/// connects as the database's administrator (connection string <c>&lt;service&gt;db</c>), makes the service's roles and works as their
/// owner; a file that ends in <c>.admin.sql</c> runs as the administrator. A file that changed after it was applied stops everything.
/// </summary>
/// <param name="loginPasswords">By role, those of further logins of the service, which its migrations make.</param>
internal sealed partial class Migrator(
    ServiceIdentity service,
    string connectionString,
    string appPassword,
    IReadOnlyDictionary<string, string> loginPasswords,
    Assembly migrations,
    ILogger<Migrator> log
)
{
    private const int MaxAttempts = 10;

    private const string CreateJournal = """
        create schema if not exists migrations authorization {service}_owner;
        create table if not exists migrations.applied
            (name text primary key, sha256 text not null, applied_at timestamptz not null default now());
        """;

    /// <remarks>
    /// Roles belong to the cluster, but our lock belongs to one database of it: migrators of other databases can make or change the same
    /// role at the same moment. Once they have committed, their work is visible, so the same work succeeds when it is repeated.
    /// </remarks>
    public async Task ApplyAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ApplyAllAsync(cancellationToken);
                return;
            }
            catch (PostgresException exception) when (attempt < MaxAttempts && IsAboutOthers(exception))
            {
                LogAgain(exception.SqlState, exception.MessageText);
                await Task.Delay(Random.Shared.Next(10, 50 * attempt), cancellationToken);
            }
        }
    }

    // When two change one row of the catalogue at once, PostgreSQL reports an internal error that only its message identifies.
    private static bool IsAboutOthers(PostgresException exception) =>
        exception.SqlState
            is PostgresErrorCodes.DuplicateObject
                or PostgresErrorCodes.UniqueViolation
                or PostgresErrorCodes.SerializationFailure
                or PostgresErrorCodes.DeadlockDetected
        || exception.SqlState == PostgresErrorCodes.InternalError
            && exception.MessageText.StartsWith("tuple concurrently", StringComparison.Ordinal);

    private async Task ApplyAllAsync(CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false });
        await using var connection = await database.OpenConnectionAsync(cancellationToken);

        // Of several replicas that start at once, one migrates.
        await ExecuteAsync(connection, "select pg_advisory_lock(hashtextextended('platform.migrations', 0))", cancellationToken);
        await MakeRolesAsync(connection, cancellationToken);
        await ExecuteAsync(connection, Fill(CreateJournal), cancellationToken);
        foreach (var (name, sql) in Scripts(typeof(Migrator).Assembly).Concat(Scripts(migrations)))
        {
            await ApplyAsync(connection, name, sql, cancellationToken);
        }

        foreach (var (role, password) in loginPasswords)
        {
            await SetPasswordAsync(connection, role, password, cancellationToken);
        }
    }

    private async Task MakeRolesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            connection,
            $"""
            do $$ begin
                if not exists (select from pg_roles where rolname = '{service.OwnerRole}') then
                    create role {service.OwnerRole} nologin noinherit;
                end if;
                if not exists (select from pg_roles where rolname = '{service.RelayRole}') then
                    create role {service.RelayRole} nologin noinherit;
                end if;
                if not exists (select from pg_roles where rolname = '{service.AppRole}') then
                    create role {service.AppRole} login noinherit;
                end if;
            end $$;
            grant {service.RelayRole} to {service.AppRole};
            do $$ begin
                -- Everybody may connect to a new database; this one is for its service.
                execute format('revoke all on database %I from public', current_database());
                execute format('grant create, connect on database %I to {service.OwnerRole}', current_database());
                execute format('grant connect on database %I to {service.AppRole}', current_database());
            end $$;
            """,
            cancellationToken
        );

        await SetPasswordAsync(connection, service.AppRole, appPassword, cancellationToken);
    }

    private static async Task SetPasswordAsync(
        NpgsqlConnection connection,
        string role,
        string password,
        CancellationToken cancellationToken
    )
    {
        // A password cannot be a parameter of DDL; format's %I and %L quote.
        await using var command = new NpgsqlCommand("select format('alter role %I password %L', $1::text, $2::text)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = role });
        command.Parameters.Add(new NpgsqlParameter { Value = password });
        await ExecuteAsync(connection, (string)(await command.ExecuteScalarAsync(cancellationToken))!, cancellationToken);
    }

    private async Task ApplyAsync(NpgsqlConnection connection, string name, string sql, CancellationToken cancellationToken)
    {
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql)));
        await using (
            var find = new NpgsqlCommand("select sha256 from migrations.applied where name = $1", connection)
            {
                Parameters = { new() { Value = name } },
            }
        )
        {
            if (await find.ExecuteScalarAsync(cancellationToken) is string applied)
            {
                if (applied != sha256)
                {
                    throw new InvalidOperationException(
                        $"The migration {name} was changed after it had been applied. Write a new one instead."
                    );
                }

                return;
            }
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!name.EndsWith(".admin.sql", StringComparison.Ordinal))
        {
            await ExecuteAsync(connection, $"set local role {service.OwnerRole}", cancellationToken);
        }

        await ExecuteAsync(connection, Fill(sql), cancellationToken);
        await ExecuteAsync(connection, "reset role", cancellationToken);
        await using (
            var record = new NpgsqlCommand("insert into migrations.applied (name, sha256) values ($1, $2)", connection)
            {
                Parameters =
                {
                    new() { Value = name },
                    new() { Value = sha256 },
                },
            }
        )
        {
            await record.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        LogApplied(name);
    }

    private string Fill(string sql) => sql.Replace("{service}", service.Name, StringComparison.Ordinal);

    private static IEnumerable<(string Name, string Sql)> Scripts(Assembly assembly) =>
        assembly
            .GetManifestResourceNames()
            .Where(resource =>
                resource.Contains(".Migrations.", StringComparison.Ordinal) && resource.EndsWith(".sql", StringComparison.Ordinal)
            )
            .Order(StringComparer.Ordinal)
            .Select(resource =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
                var file = resource[(resource.IndexOf(".Migrations.", StringComparison.Ordinal) + ".Migrations.".Length)..];
                return ($"{assembly.GetName().Name}/{file}", reader.ReadToEnd());
            });

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(1201, LogLevel.Information, "Applied {Migration}")]
    private partial void LogApplied(string migration);

    [LoggerMessage(1202, LogLevel.Information, "Another migration got in the way, trying again: {SqlState} {Problem}")]
    private partial void LogAgain(string sqlState, string problem);
}
