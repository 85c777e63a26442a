using Platform.Audit.Service.Sequencing;

namespace Platform.Audit.Tests;

public sealed class MerkleTreeTests
{
    // The eight leaves and roots that implementations of RFC 6962 test against.
    private static readonly string[] _leaves =
    [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];

    private static readonly string[] _roots =
    [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    [Fact]
    public void An_empty_tree_has_the_hash_of_nothing_as_its_root() =>
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Convert.ToHexStringLower(new MerkleTree().Root()));

    [Fact]
    public void Roots_are_those_of_the_published_test_vectors()
    {
        var tree = new MerkleTree();
        for (var i = 0; i < _leaves.Length; i++)
        {
            tree.Append(MerkleTree.LeafHash(Convert.FromHexString(_leaves[i])));
            Assert.Equal(_roots[i], Convert.ToHexStringLower(tree.Root()));
        }
    }

    [Fact]
    public void Roots_agree_with_the_recursive_definition_when_the_tree_is_stored_and_loaded_at_every_step()
    {
        var leaves = Leaves(300);
        var tree = new MerkleTree();
        for (var size = 1; size <= leaves.Length; size++)
        {
            tree = new MerkleTree(tree.Size, tree.Frontier());
            tree.Append(leaves[size - 1]);
            Assert.Equal(Rfc6962.Root(leaves.AsSpan(0, size)), tree.Root());
        }
    }

    [Fact]
    public void Every_completed_subtree_is_told_once_with_the_hash_of_its_leaves()
    {
        var leaves = Leaves(300);
        var tree = new MerkleTree();
        var told = new Dictionary<(int Level, long Index), byte[]>();
        Array.ForEach(leaves, leaf => tree.Append(leaf, (level, index, hash) => told.Add((level, index), hash)));
        Assert.Equal(150 + 75 + 37 + 18 + 9 + 4 + 2 + 1, told.Count);
        Assert.All(told, node =>
            Assert.Equal(Rfc6962.Root(leaves.AsSpan((int)node.Key.Index << node.Key.Level, 1 << node.Key.Level)), node.Value)
        );
    }

    [Fact]
    public void Inclusion_and_consistency_are_provable_against_its_roots()
    {
        var leaves = Leaves(70);
        var tree = new MerkleTree();
        var roots = new List<byte[]>();
        foreach (var leaf in leaves)
        {
            tree.Append(leaf);
            roots.Add(tree.Root());
        }

        for (var size = 1; size <= leaves.Length; size++)
        {
            var now = leaves.AsSpan(0, size);
            for (var i = 0; i < size; i++)
            {
                Assert.True(Rfc6962.VerifyInclusion(leaves[i], i, size, Rfc6962.Inclusion(i, now), roots[size - 1]));
                Assert.True(Rfc6962.VerifyConsistency(i + 1, roots[i], size, roots[size - 1], Rfc6962.Consistency(i + 1, now)));
            }
        }

        Assert.False(Rfc6962.VerifyInclusion(leaves[3], 4, 70, Rfc6962.Inclusion(4, leaves), roots[69]));
        Assert.False(Rfc6962.VerifyConsistency(5, roots[5], 70, roots[69], Rfc6962.Consistency(5, leaves)));
    }

    [Fact]
    public void A_stored_edge_of_the_wrong_length_is_not_loaded() =>
        Assert.Throws<InvalidDataException>(() => new MerkleTree(3, new byte[MerkleTree.HashSize]));

    private static byte[][] Leaves(int count) => [.. Enumerable.Range(0, count).Select(i => Rfc6962.Leaf(BitConverter.GetBytes(i)))];
}
