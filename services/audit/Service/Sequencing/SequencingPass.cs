using System.Data;
using System.Diagnostics;
using Npgsql;
using Platform.Audit.Service.Log;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Sequencing;

/// <summary>One transaction of the sequencer: some arrivals move into the log, and the checkpoints that are due are made.</summary>
internal sealed class SequencingPass(NpgsqlConnection connection, SigningKey key, TimeProvider time)
{
    public const int MaxArrivals = 1000;

    private const string Waiting = """
        select a.position, a.workspace_id, sha256('\x00'::bytea || a.body) as leaf,
            exists (select from audit.event e where e.workspace_id = a.workspace_id and e.event_id = a.event_id) as known, a.arrived_at
        from audit.arrival a order by a.position limit $1
        """;

    private const string LoadTrees = """
        select workspace_id, size, frontier, checkpointed, uncovered_since from audit.tree
        where workspace_id = any($1) or size > checkpointed and uncovered_since <= $2 for update
        """;

    private const string DropKnown = "delete from audit.arrival where position = any($1)";

    private const string Move = """
        with moved as (
            delete from audit.arrival a using unnest($1::bigint[], $2::bigint[], $3::bytea[]) as s(position, sequence, leaf)
            where a.position = s.position returning a.*, s.sequence, s.leaf
        ), appended as (
            insert into audit.event (workspace_id, sequence, event_id, environment_id, occurred_at, recorded_at,
                action, outcome, actor, tool, task, call_id, leaf, body)
            select workspace_id, sequence, event_id, environment_id, occurred_at, arrived_at,
                action, outcome, actor, tool, task, call_id, leaf, body
            from moved
        )
        insert into audit.event_target (workspace_id, sequence, kind, id)
        select m.workspace_id, m.sequence, t.value ->> 0, t.value ->> 1 from moved m, jsonb_array_elements(m.targets) t
        """;

    private const string InsertNodes = """
        insert into audit.tree_node (workspace_id, level, index, hash)
        select * from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bytea[])
        """;

    private const string SaveTree = """
        insert into audit.tree as t (workspace_id, size, frontier, checkpointed, uncovered_since) values ($1, $2, $3, $4, $5)
        on conflict (workspace_id) do update
            set size = excluded.size, frontier = excluded.frontier, checkpointed = excluded.checkpointed,
                uncovered_since = excluded.uncovered_since
        """;

    private const string InsertCheckpoint =
        "insert into audit.checkpoint (workspace_id, size, root, made_at, key_id, body, signature) values ($1, $2, $3, $4, $5, $6, $7)";

    private readonly DateTimeOffset _now = time.GetUtcNow();
    private readonly Dictionary<Guid, Edge> _edges = [];
    private readonly List<(Guid Workspace, short Level, long Index, byte[] Hash)> _nodes = [];
    private readonly List<Checkpoint> _due = [];

    public int Appended { get; private set; }

    public int Checkpoints => _due.Count;

    public TimeSpan OldestAge { get; private set; }

    /// <summary>Returns how many arrivals were taken, known ones included.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var arrivals = await ReadArrivalsAsync(cancellationToken);
        await LoadTreesAsync([.. arrivals.Select(arrival => arrival.Workspace).Distinct()], cancellationToken);
        if (arrivals.Count == 0 && _edges.Count == 0)
        {
            return 0;
        }

        var known = arrivals.Where(arrival => arrival.Known).Select(arrival => arrival.Position).ToArray();
        var fresh = arrivals.FindAll(arrival => !arrival.Known);
        var sequences = fresh.ConvertAll(arrival => Append(arrival.Workspace, arrival.Leaf));
        foreach (var (workspace, edge) in _edges)
        {
            if (edge.UncoveredSince <= _now - Checkpoint.MaxAge)
            {
                MakeCheckpoint(workspace, edge);
            }
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        if (known.Length > 0)
        {
            batch.Add(DropKnown, known);
        }

        if (fresh.Count > 0)
        {
            batch.Add(
                Move,
                fresh.ConvertAll(arrival => arrival.Position).ToArray(),
                sequences.ToArray(),
                fresh.ConvertAll(arrival => arrival.Leaf).ToArray()
            );
        }

        Save(batch);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Appended = fresh.Count;
        OldestAge = fresh.Count == 0 ? TimeSpan.Zero : _now - fresh[0].ArrivedAt;
        return arrivals.Count;
    }

    private async Task<List<Arrival>> ReadArrivalsAsync(CancellationToken cancellationToken)
    {
        await using var waiting = new NpgsqlBatch(connection);
        waiting.Add($"select {Plans.PerCall}");
        waiting.Add(Waiting, MaxArrivals);
        await using var reader = await waiting.ReadAsync(cancellationToken);
        var arrivals = new List<Arrival>();
        while (await reader.ReadAsync(cancellationToken))
        {
            arrivals.Add(
                new Arrival(
                    reader.GetInt64("position"),
                    reader.GetGuid("workspace_id"),
                    (byte[])reader["leaf"],
                    reader.GetBoolean("known"),
                    reader.GetFieldValue<DateTimeOffset>("arrived_at")
                )
            );
        }

        return arrivals;
    }

    private async Task LoadTreesAsync(Guid[] workspaces, CancellationToken cancellationToken)
    {
        await using var load = new NpgsqlCommand(LoadTrees, connection)
        {
            Parameters =
            {
                new() { Value = workspaces },
                new() { Value = (_now - Checkpoint.MaxAge).UtcDateTime },
            },
        };
        await using var reader = await load.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            _edges.Add(
                reader.GetGuid("workspace_id"),
                new Edge(new MerkleTree(reader.GetInt64("size"), (byte[])reader["frontier"]))
                {
                    Checkpointed = reader.GetInt64("checkpointed"),
                    UncoveredSince = reader.IsDBNull("uncovered_since") ? null : reader.GetFieldValue<DateTimeOffset>("uncovered_since"),
                }
            );
        }
    }

    private long Append(Guid workspace, byte[] leaf)
    {
        if (!_edges.TryGetValue(workspace, out var edge))
        {
            _edges.Add(workspace, edge = new Edge(new MerkleTree()));
        }

        edge.Tree.Append(leaf, (level, index, hash) =>
        {
            if (level % 8 == 0)
            {
                _nodes.Add((workspace, (short)level, index, hash));
            }
        });
        edge.UncoveredSince ??= _now;
        var sequence = edge.Tree.Size;
        if (sequence - edge.Checkpointed >= Checkpoint.MaxEvents)
        {
            MakeCheckpoint(workspace, edge);
        }

        return sequence;
    }

    private void MakeCheckpoint(Guid workspace, Edge edge)
    {
        _due.Add(new Checkpoint(workspace, edge.Tree.Size, edge.Tree.Root(), _now));
        edge.Checkpointed = edge.Tree.Size;
        edge.UncoveredSince = null;
    }

    private void Save(NpgsqlBatch batch)
    {
        if (_nodes.Count > 0)
        {
            batch.Add(
                InsertNodes,
                _nodes.ConvertAll(node => node.Workspace).ToArray(),
                _nodes.ConvertAll(node => node.Level).ToArray(),
                _nodes.ConvertAll(node => node.Index).ToArray(),
                _nodes.ConvertAll(node => node.Hash).ToArray()
            );
        }

        foreach (var (workspace, edge) in _edges)
        {
            batch.Add(SaveTree, workspace, edge.Tree.Size, edge.Tree.Frontier(), edge.Checkpointed, edge.UncoveredSince?.UtcDateTime);
        }

        foreach (var checkpoint in _due)
        {
            Debug.Assert(checkpoint.Size > 0, "An empty tree has nothing to state.");
            var text = checkpoint.ToText();
            batch.Add(
                InsertCheckpoint,
                checkpoint.WorkspaceId,
                checkpoint.Size,
                checkpoint.Root,
                checkpoint.MadeAt.UtcDateTime,
                key.Id,
                text,
                key.Sign(text)
            );
        }
    }

    private sealed record Arrival(long Position, Guid Workspace, byte[] Leaf, bool Known, DateTimeOffset ArrivedAt);

    private sealed class Edge(MerkleTree tree)
    {
        public MerkleTree Tree { get; } = tree;

        public long Checkpointed { get; set; }

        public DateTimeOffset? UncoveredSince { get; set; }
    }
}
