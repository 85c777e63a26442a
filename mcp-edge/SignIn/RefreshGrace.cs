using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Platform.Edge.SignIn;

/// <summary>Answers that edges share for a short while, sealed: whoever keeps them cannot read them.</summary>
internal interface ISharedAnswers
{
    /// <summary>
    /// Lets one edge at a time do what <paramref name="key"/> stands for. Waits while another is at it. Null when nobody can be asked.
    /// </summary>
    Task<Turn?> BeginAsync(string key);

    /// <summary>Keeps the answer for others, or gives the turn back without one.</summary>
    Task EndAsync(string key, byte[]? answer, TimeSpan keep);
}

/// <param name="Answer">Of the edge that has done it; null when it is this one's turn.</param>
internal sealed record Turn(byte[]? Answer);

/// <summary>
/// A refresh token is good for one use, and its second use ends the sign-in, because one of the two who use it is a thief. But several
/// windows of one client share a token and refresh at once, and an answer can be lost on its way. So for a short while the same refresh has
/// the same answer: the realm is asked once. Whoever comes later is treated as a thief, as before.
/// </summary>
internal sealed class RefreshGrace(TimeProvider time, ISharedAnswers? shared = null)
{
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private const int MaxKept = 10_000;

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <param name="question">All that decides the answer. It holds secrets, so only its hash is a key.</param>
    /// <param name="refreshToken">Opens what other edges keep.</param>
    public async Task<TokenAnswer> ExchangeAsync(string question, string refreshToken, Func<Task<TokenAnswer>> exchange)
    {
        var key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(question)));
        while (true)
        {
            var entry = _entries.GetOrAdd(key, _ => new Entry(() => AskOnceAsync(key, refreshToken, exchange)));
            if (entry.Until > time.GetUtcNow())
            {
                return await AnswerAsync(key, entry);
            }

            _entries.TryRemove(KeyValuePair.Create(key, entry));
        }
    }

    // Only what was granted is given twice: whatever went wrong can be tried again.
    private async Task<TokenAnswer> AnswerAsync(string key, Entry entry)
    {
        var isKept = false;
        try
        {
            var answer = await entry.Answer.Value;
            isKept = answer.Status == StatusCodes.Status200OK && _entries.Count < MaxKept;
            return answer;
        }
        finally
        {
            if (!isKept)
            {
                _entries.TryRemove(KeyValuePair.Create(key, entry));
            }
            else if (entry.Until == DateTimeOffset.MaxValue)
            {
                entry.Until = time.GetUtcNow() + Grace;
                _ = ForgetAsync(key, entry);
            }
        }
    }

    private async Task ForgetAsync(string key, Entry entry)
    {
        await Task.Delay(Grace, time);
        _entries.TryRemove(KeyValuePair.Create(key, entry));
    }

    private async Task<TokenAnswer> AskOnceAsync(string key, string refreshToken, Func<Task<TokenAnswer>> exchange)
    {
        var turn = shared is null ? null : await shared.BeginAsync(key);
        if (turn is { Answer: { } kept })
        {
            return Open(kept, key, refreshToken);
        }

        TokenAnswer? answer = null;
        try
        {
            return answer = await exchange();
        }
        finally
        {
            if (turn is not null)
            {
                await shared!.EndAsync(key, answer is { Status: 200 } ? Seal(answer, key, refreshToken) : null, Grace);
            }
        }
    }

    private static byte[] Seal(TokenAnswer answer, string key, string refreshToken)
    {
        var plain = answer.ToUtf8();
        var kept = new byte[AesGcm.NonceByteSizes.MaxSize + plain.Length + AesGcm.TagByteSizes.MaxSize];
        var nonce = kept.AsSpan(0, AesGcm.NonceByteSizes.MaxSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(KeyOf(key, refreshToken), AesGcm.TagByteSizes.MaxSize);
        aes.Encrypt(nonce, plain, kept.AsSpan(nonce.Length, plain.Length), kept.AsSpan(nonce.Length + plain.Length));
        return kept;
    }

    private static TokenAnswer Open(byte[] kept, string key, string refreshToken)
    {
        var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
        var plain = new byte[kept.Length - nonce - tag];
        using var aes = new AesGcm(KeyOf(key, refreshToken), tag);
        aes.Decrypt(kept.AsSpan(0, nonce), kept.AsSpan(nonce, plain.Length), kept.AsSpan(nonce + plain.Length), plain);
        return TokenAnswer.Read(plain);
    }

    // Only who has the refresh token could ask for the answer, so only they can read it.
    private static byte[] KeyOf(string key, string refreshToken) =>
        HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            Encoding.UTF8.GetBytes(refreshToken),
            32,
            Encoding.ASCII.GetBytes(key),
            "refresh"u8.ToArray()
        );

    private sealed class Entry(Func<Task<TokenAnswer>> ask)
    {
        // In the background: it ends whether or not the first who asked still waits.
        public Lazy<Task<TokenAnswer>> Answer { get; } = new(() => Task.Run(ask));

        public DateTimeOffset Until { get; set; } = DateTimeOffset.MaxValue;
    }
}
