using System.Data;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Streams;

/// <summary>Whose events a stream carries. Whatever is done with the stream needs the rights for all of them.</summary>
/// <param name="Environments">Null: every environment of the workspace, also those that are made later.</param>
/// <param name="WorkspaceEvents">Events that belong to no environment.</param>
internal sealed record StreamScope(IReadOnlyList<Guid>? Environments, bool WorkspaceEvents)
{
    /// <summary>What <see cref="Read"/> expects a row to hold.</summary>
    public const string Columns = "s.environments, s.workspace_events";

    private const string Find = $"select {Columns} from audit.stream s where s.id = $1";

    public static StreamScope Whole { get; } = new(null, true);

    /// <summary>The environments as a parameter of a statement.</summary>
    public NpgsqlParameter EnvironmentsParameter =>
        new() { Value = (object?)Environments?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };

    public static StreamScope Read(NpgsqlDataReader row) =>
        new(row.IsDBNull("environments") ? null : row.GetFieldValue<Guid[]>("environments"), row.GetBoolean("workspace_events"));

    /// <summary>Passes when the caller may change the stream. It never changes what it carries.</summary>
    /// <exception cref="Grpc.Core.RpcException">NOT_FOUND, PRODUCTION_NOT_ALLOWED or PERMISSION_DENIED.</exception>
    public static async Task RequireAsync(WriteTransaction tx, string stream)
    {
        var scope = await tx.QueryOneAsync(Find, Read, StreamChanges.Parse(stream)) ?? throw Problem.NotFound("audit stream", stream);
        scope.Require(tx.Call.Caller.Reach, Scopes.AuditWrite);
    }

    /// <summary>Whether it carries what happened in this environment, or in none.</summary>
    public bool Carries(Guid? environment) =>
        environment is { } here ? Environments is null || Environments.Contains(here) : WorkspaceEvents;

    public void Require(Reach reach, string permission)
    {
        if (Environments is null)
        {
            reach.RequireEverywhere(permission);
            return;
        }

        reach.Require(permission, Environments);
        if (WorkspaceEvents)
        {
            reach.RequireForWorkspace(permission);
        }
    }

    public bool IsWithin(Reach reach, string permission) =>
        Environments is null
            ? reach.HasEverywhere(permission)
            : Environments.All(environment => reach.Has(permission, environment))
                && (!WorkspaceEvents || reach.HasForWorkspace(permission));
}
