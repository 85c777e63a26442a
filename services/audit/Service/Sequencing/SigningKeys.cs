using System.Data;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Npgsql;
using Platform.Audit.Service.Log;

namespace Platform.Audit.Service.Sequencing;

/// <summary>The key that signs checkpoints: ECDSA P-256 behind a type, so that another algorithm can follow.</summary>
internal sealed class SigningKeys(IDataProtectionProvider protection, TimeProvider time)
{
    public const string EcdsaP256 = "ecdsa-p256-sha256";

    private const string Latest = "select id, private_key from audit.signing_key where key_type = $1 order by created_at desc, id limit 1";

    private const string Insert =
        "insert into audit.signing_key (id, key_type, public_key, private_key, created_at) values ($1, $2, $3, $4, $5)";

    private readonly IDataProtector _protector = protection.CreateProtector("audit.signing-key.v1");

    /// <summary>The latest key; makes the first one. To be called by the sequencer's leader only.</summary>
    public async Task<SigningKey> LoadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using (var latest = new NpgsqlCommand(Latest, connection) { Parameters = { new() { Value = EcdsaP256 } } })
        await using (var reader = await latest.ExecuteReaderAsync(cancellationToken))
        {
            if (await reader.ReadAsync(cancellationToken))
            {
                var known = ECDsa.Create();
                known.ImportPkcs8PrivateKey(_protector.Unprotect((byte[])reader["private_key"]), out _);
                return new SigningKey(reader.GetString("id"), known);
            }
        }

        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var id = Convert.ToHexStringLower(SHA256.HashData(publicKey).AsSpan(0, 8));
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(Insert, id, EcdsaP256, publicKey, _protector.Protect(key.ExportPkcs8PrivateKey()), time.GetUtcNow().UtcDateTime);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return new SigningKey(id, key);
    }
}

/// <summary>A private key under the id that its checkpoints name: the first 16 hex digits of the SHA-256 of its public part.</summary>
internal sealed record SigningKey(string Id, ECDsa Key) : IDisposable
{
    public byte[] Sign(string text) =>
        Key.SignData(System.Text.Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    public void Dispose() => Key.Dispose();
}
