using System.Data;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using Platform.Contracts;
using Platform.Identity.Service.State;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Assertions;

/// <summary>
/// The keys of caller assertions, shared by all replicas through the database. A new key is published a while before it signs, and an old
/// one for a while after, so that nobody ever meets an assertion whose key it cannot know.
/// </summary>
internal sealed class AssertionKeyRing(
    NpgsqlDataSource database,
    IDataProtectionProvider protection,
    IOptions<AssertionOptions> options,
    TimeProvider time
) : IAssertionKeys, IDisposable
{
    private const string Load = "select id, private_key, active_from, published_until from identity.assertion_key order by active_from, id";

    private const string Insert = "insert into identity.assertion_key (id, private_key, created_at, active_from) values ($1, $2, $3, $4)";

    private const string Retire = "update identity.assertion_key set published_until = $2 where id = $1";

    private const string Drop = "delete from identity.assertion_key where published_until < $1";

    // Of several replicas that find that a key is due, one makes it.
    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('identity.assertion_key', 0))";

    // Well below PublishBefore: another replica's new key is known here before it signs.
    private static readonly TimeSpan _reloadAfter = TimeSpan.FromSeconds(30);

    private readonly IDataProtector _protector = protection.CreateProtector("assertion-key.v1");
    private readonly SemaphoreSlim _loading = new(1, 1);
    private Keys _keys = new([], DateTimeOffset.MinValue);

    /// <summary>What signs now.</summary>
    public async ValueTask<SigningCredentials> SigningAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var keys = (await CurrentAsync(cancellationToken)).All;

        // The very first key can seem to lie ahead: PostgreSQL rounds to microseconds, and a replica's clock may be a little behind.
        return (keys.LastOrDefault(key => key.ActiveFrom <= now) ?? keys[0]).Credentials;
    }

    /// <summary>What others check assertions with: keys that sign, that will, and that did until a moment ago.</summary>
    public async ValueTask<IReadOnlyList<JsonWebKey>> PublishedAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return
        [
            .. (await CurrentAsync(cancellationToken))
                .All.Where(key => key.PublishedUntil is null || key.PublishedUntil > now)
                .Select(key => key.Public),
        ];
    }

    public async ValueTask<IReadOnlyList<SecurityKey>> FindAsync(string keyId, CancellationToken cancellationToken) =>
        [.. (await PublishedAsync(cancellationToken)).Where(key => key.KeyId == keyId)];

    /// <summary>Makes the first key, makes the next one when it is due, and forgets those that are no longer needed.</summary>
    public async Task MaintainAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await connection.ExecuteAsync(new Statement(Lock), cancellationToken);
        var now = time.GetUtcNow();
        var keys = await LoadAsync(connection, cancellationToken);
        if (keys.Count == 0)
        {
            // Nothing has been signed yet, so the key need not be published first.
            await InsertAsync(connection, now, now, cancellationToken);
        }
        else if (keys[^1] is var newest && newest.ActiveFrom + options.Value.RotateEvery - options.Value.PublishBefore <= now)
        {
            var activeFrom = now + options.Value.PublishBefore;
            await InsertAsync(connection, now, activeFrom, cancellationToken);
            await connection.ExecuteAsync(
                new Statement(Retire, newest.Id, (activeFrom + options.Value.Lifetime + options.Value.KeepAfter).UtcDateTime),
                cancellationToken
            );
        }

        await connection.ExecuteAsync(new Statement(Drop, now.UtcDateTime), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Volatile.Write(ref _keys, new Keys(await LoadAsync(connection, cancellationToken), now));
    }

    public void Dispose() => _loading.Dispose();

    private async ValueTask<Keys> CurrentAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _keys) is { All.Count: > 0 } known && time.GetUtcNow() - known.At < _reloadAfter)
        {
            return known;
        }

        await _loading.WaitAsync(cancellationToken);
        try
        {
            if (_keys.All.Count == 0)
            {
                await MaintainAsync(cancellationToken);
            }
            else if (time.GetUtcNow() - _keys.At >= _reloadAfter)
            {
                await using var connection = await database.OpenConnectionAsync(cancellationToken);
                Volatile.Write(ref _keys, new Keys(await LoadAsync(connection, cancellationToken), time.GetUtcNow()));
            }

            return _keys;
        }
        finally
        {
            _loading.Release();
        }
    }

    private async Task<List<AssertionKey>> LoadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var known = Volatile.Read(ref _keys).All.ToDictionary(key => key.Id);
        return await connection.QueryAsync(
            new Statement(Load),
            row =>
            {
                var until = row.IsDBNull("published_until") ? (DateTimeOffset?)null : row.GetFieldValue<DateTimeOffset>("published_until");
                return known.TryGetValue(row.GetString("id"), out var key)
                    ? key with
                    {
                        PublishedUntil = until,
                    }
                    : Open(row.GetString("id"), (byte[])row["private_key"], row.GetFieldValue<DateTimeOffset>("active_from"), until);
            },
            cancellationToken
        );
    }

    private AssertionKey Open(string id, byte[] sealedKey, DateTimeOffset activeFrom, DateTimeOffset? publishedUntil)
    {
        var ecdsa = ECDsa.Create();
        ecdsa.ImportPkcs8PrivateKey(_protector.Unprotect(sealedKey), out _);
        var point = ecdsa.ExportParameters(includePrivateParameters: false).Q;
        return new AssertionKey(
            id,
            new SigningCredentials(new ECDsaSecurityKey(ecdsa) { KeyId = id }, SecurityAlgorithms.EcdsaSha256),
            new JsonWebKey
            {
                Kty = "EC",
                Crv = "P-256",
                Use = "sig",
                Alg = SecurityAlgorithms.EcdsaSha256,
                Kid = id,
                X = Base64UrlEncoder.Encode(point.X),
                Y = Base64UrlEncoder.Encode(point.Y),
            },
            activeFrom,
            publishedUntil
        );
    }

    private async Task InsertAsync(
        NpgsqlConnection connection,
        DateTimeOffset now,
        DateTimeOffset activeFrom,
        CancellationToken cancellationToken
    )
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await connection.ExecuteAsync(
            new Statement(
                Insert,
                Ids.New().ToString("N"),
                _protector.Protect(key.ExportPkcs8PrivateKey()),
                now.UtcDateTime,
                activeFrom.UtcDateTime
            ),
            cancellationToken
        );
    }

    private sealed record Keys(IReadOnlyList<AssertionKey> All, DateTimeOffset At);

    private sealed record AssertionKey(
        string Id,
        SigningCredentials Credentials,
        JsonWebKey Public,
        DateTimeOffset ActiveFrom,
        DateTimeOffset? PublishedUntil
    );
}
