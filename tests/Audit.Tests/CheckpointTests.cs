using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using Platform.Contracts;
using Platform.Testing;

namespace Platform.Audit.Tests;

public sealed class CheckpointTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private readonly Guid _workspace = Ids.New();

    [Fact]
    public async Task A_checkpoint_states_the_root_of_the_log_and_openly_verifies()
    {
        await audit.ConsumeAsync([.. Enumerable.Range(0, 5).Select(_ => AuditFixture.Event(_workspace))]);
        await audit.LogOfAsync(_workspace, 5);
        audit.Clock.Advance(TimeSpan.FromSeconds(10));
        var (size, root, body, signature, key) = Assert.Single(await CheckpointsAsync(1));
        var leaves = await LeavesAsync();
        Assert.Equal((5L, Convert.ToBase64String(Rfc6962.Root(leaves))), (size, Convert.ToBase64String(root)));
        var lines = body.Split('\n');
        Assert.Equal([$"platform-audit/{Ids.Format("wks", _workspace)}", "5", Convert.ToBase64String(root)], lines[..3]);

        using var http = audit.CreateHttpClient();
        var keys = await http.GetFromJsonAsync<JsonElement>(
            new Uri("/.well-known/audit-keys", UriKind.Relative),
            TestContext.Current.CancellationToken
        );
        var known = keys.GetProperty("keys").EnumerateArray().Single(one => one.GetProperty("id").GetString() == key);
        Assert.Equal("ecdsa-p256-sha256", known.GetProperty("keyType").GetString());
        using var verifier = ECDsa.Create();
        verifier.ImportSubjectPublicKeyInfo(known.GetProperty("publicKey").GetBytesFromBase64(), out _);
        Assert.True(
            verifier.VerifyData(Encoding.UTF8.GetBytes(body), signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
        );
        Assert.False(
            verifier.VerifyData(
                Encoding.UTF8.GetBytes(body.Replace("\n5\n", "\n6\n", StringComparison.Ordinal)),
                signature,
                HashAlgorithmName.SHA256,
                DSASignatureFormat.Rfc3279DerSequence
            )
        );
    }

    [Fact]
    public async Task A_thousand_events_do_not_wait_for_the_clock_and_later_checkpoints_extend_earlier_ones()
    {
        for (var i = 0; i < 5; i++)
        {
            await audit.ConsumeAsync([.. Enumerable.Range(0, 500).Select(_ => AuditFixture.Event(_workspace))]);
        }

        await audit.LogOfAsync(_workspace, 2500);
        var checkpoints = await CheckpointsAsync(2);
        audit.Clock.Advance(TimeSpan.FromSeconds(10));
        checkpoints = await CheckpointsAsync(3);
        Assert.Equal(2500L, checkpoints[^1].Size);
        Assert.All(checkpoints.Zip(checkpoints.Skip(1)), pair => Assert.InRange(pair.Second.Size - pair.First.Size, 1, 1000));
        var leaves = await LeavesAsync();
        foreach (var (older, newer) in checkpoints.Zip(checkpoints.Skip(1)))
        {
            var proof = Rfc6962.Consistency((int)older.Size, leaves.AsSpan(0, (int)newer.Size));
            Assert.True(Rfc6962.VerifyConsistency(older.Size, older.Root, newer.Size, newer.Root, proof));
        }
    }

    [Fact]
    public async Task The_private_key_is_not_stored_in_the_clear()
    {
        await audit.ConsumeAsync(AuditFixture.Event(_workspace));
        await audit.LogOfAsync(_workspace, 1);
        var stored = await audit.ScalarAsync<byte[]>("select private_key from audit.signing_key");
        using var key = ECDsa.Create();
        Assert.ThrowsAny<CryptographicException>(() => key.ImportPkcs8PrivateKey(stored, out _));
    }

    private async Task<List<(long Size, byte[] Root, string Body, byte[] Signature, string Key)>> CheckpointsAsync(int count)
    {
        const string Count = "select count(*) from audit.checkpoint where workspace_id = $1";
        await Eventually.AsyncTrue(async () => await audit.ScalarAsync<long>(Count, _workspace) >= count, () => $"{count} checkpoints");
        await using var command = audit.Admin.CreateCommand(
            "select size, root, body, signature, key_id from audit.checkpoint where workspace_id = $1 order by size"
        );
        command.Parameters.Add(new NpgsqlParameter { Value = _workspace });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<(long, byte[], string, byte[], string)>();
        while (await reader.ReadAsync())
        {
            rows.Add((reader.GetInt64(0), (byte[])reader[1], reader.GetString(2), (byte[])reader[3], reader.GetString(4)));
        }

        return rows;
    }

    private async Task<byte[][]> LeavesAsync() =>
        await audit.ScalarAsync<byte[][]>("select array_agg(leaf order by sequence) from audit.event where workspace_id = $1", _workspace);
}
