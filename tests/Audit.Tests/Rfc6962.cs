using System.Security.Cryptography;

namespace Platform.Audit.Tests;

/// <summary>Merkle trees as RFC 6962 defines them: by recursion over all leaves. Slow, and independent of what it checks.</summary>
internal static class Rfc6962
{
    public static byte[] Leaf(byte[] data) => SHA256.HashData([0, .. data]);

    public static byte[] Root(ReadOnlySpan<byte[]> leaves) =>
        leaves.Length switch
        {
            0 => SHA256.HashData([]),
            1 => leaves[0],
            _ => Node(Root(leaves[..Split(leaves.Length)]), Root(leaves[Split(leaves.Length)..])),
        };

    // PATH(m, D[n])
    public static List<byte[]> Inclusion(int index, ReadOnlySpan<byte[]> leaves)
    {
        if (leaves.Length == 1)
        {
            return [];
        }

        var split = Split(leaves.Length);
        return index < split
            ? [.. Inclusion(index, leaves[..split]), Root(leaves[split..])]
            : [.. Inclusion(index - split, leaves[split..]), Root(leaves[..split])];
    }

    public static bool VerifyInclusion(byte[] leaf, long index, long size, IReadOnlyList<byte[]> path, byte[] root)
    {
        var (node, last, hash) = (index, size - 1, leaf);
        foreach (var sibling in path)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                hash = Node(sibling, hash);
                for (; (node & 1) == 0 && node != 0; node >>= 1)
                {
                    last >>= 1;
                }
            }
            else
            {
                hash = Node(hash, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && hash.AsSpan().SequenceEqual(root);
    }

    // PROOF(m, D[n])
    public static List<byte[]> Consistency(int first, ReadOnlySpan<byte[]> leaves) => SubProof(first, leaves, true);

    public static bool VerifyConsistency(long first, byte[] firstRoot, long second, byte[] secondRoot, IReadOnlyList<byte[]> proof)
    {
        if (first == second)
        {
            return proof.Count == 0 && firstRoot.AsSpan().SequenceEqual(secondRoot);
        }

        List<byte[]> path = long.IsPow2(first) ? [firstRoot, .. proof] : [.. proof];
        var (node, last) = (first - 1, second - 1);
        for (; (node & 1) == 1; node >>= 1)
        {
            last >>= 1;
        }

        var (older, newer) = (path[0], path[0]);
        foreach (var sibling in path.Skip(1))
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                older = Node(sibling, older);
                newer = Node(sibling, newer);
                for (; (node & 1) == 0 && node != 0; node >>= 1)
                {
                    last >>= 1;
                }
            }
            else
            {
                newer = Node(newer, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && older.AsSpan().SequenceEqual(firstRoot) && newer.AsSpan().SequenceEqual(secondRoot);
    }

    private static List<byte[]> SubProof(int first, ReadOnlySpan<byte[]> leaves, bool whole)
    {
        if (first == leaves.Length)
        {
            return whole ? [] : [Root(leaves)];
        }

        var split = Split(leaves.Length);
        return first <= split
            ? [.. SubProof(first, leaves[..split], whole), Root(leaves[split..])]
            : [.. SubProof(first - split, leaves[split..], false), Root(leaves[..split])];
    }

    // The largest power of two smaller than the count.
    private static int Split(int count) => 1 << (31 - int.LeadingZeroCount(count - 1));

    private static byte[] Node(byte[] left, byte[] right) => SHA256.HashData([1, .. left, .. right]);
}
