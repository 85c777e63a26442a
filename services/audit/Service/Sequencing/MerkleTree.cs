using System.Security.Cryptography;

namespace Platform.Audit.Service.Sequencing;

/// <summary>
/// An append-only Merkle tree hashed as in RFC 6962, section 2.1 (https://www.rfc-editor.org/rfc/rfc6962#section-2.1), of which only the
/// right edge is kept: the roots of its perfect subtrees, largest first. Appending costs O(log n), and O(1) on average.
/// </summary>
internal sealed class MerkleTree
{
    public const int HashSize = SHA256.HashSizeInBytes;

    private readonly List<byte[]> _frontier;

    public MerkleTree() => _frontier = [];

    public MerkleTree(long size, ReadOnlySpan<byte> frontier)
    {
        if (frontier.Length != long.PopCount(size) * HashSize)
        {
            throw new InvalidDataException(
                $"A tree of {size} leaves has {long.PopCount(size)} perfect subtrees, not {frontier.Length / HashSize}."
            );
        }

        Size = size;
        _frontier = [];
        for (; frontier.Length > 0; frontier = frontier[HashSize..])
        {
            _frontier.Add(frontier[..HashSize].ToArray());
        }
    }

    public long Size { get; private set; }

    public static byte[] LeafHash(ReadOnlySpan<byte> leaf) => SHA256.HashData([0, .. leaf]);

    /// <summary>Appends the hash of a leaf.</summary>
    /// <param name="completed">Hears of each perfect subtree above it that this completes: level, index, hash.</param>
    public void Append(byte[] leafHash, Action<int, long, byte[]>? completed = null)
    {
        var node = leafHash;
        for (var level = 0; (Size >> level & 1) == 1; level++)
        {
            node = NodeHash(_frontier[^1], node);
            _frontier.RemoveAt(_frontier.Count - 1);
            completed?.Invoke(level + 1, Size >> level + 1, node);
        }

        _frontier.Add(node);
        Size++;
    }

    public byte[] Root()
    {
        if (_frontier.Count == 0)
        {
            return SHA256.HashData([]);
        }

        var root = _frontier[^1];
        for (var i = _frontier.Count - 2; i >= 0; i--)
        {
            root = NodeHash(_frontier[i], root);
        }

        return root;
    }

    public byte[] Frontier() => [.. _frontier.SelectMany(hash => hash)];

    private static byte[] NodeHash(byte[] left, byte[] right)
    {
        Span<byte> input = stackalloc byte[1 + 2 * HashSize];
        input[0] = 1;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + HashSize)..]);
        return SHA256.HashData(input);
    }
}
