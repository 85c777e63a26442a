using Grpc.Core;
using Npgsql;

namespace Platform.ServiceDefaults.Calls;

/// <summary>What the violation of a named constraint means to a caller. Constraints are recognised by name, never by message.</summary>
public sealed class ConstraintProblems
{
    private readonly Dictionary<string, Func<RpcException>> _problems = new(StringComparer.Ordinal);

    public ConstraintProblems Add(string constraint, Func<RpcException> problem)
    {
        _problems.Add(constraint, problem);
        return this;
    }

    internal RpcException? Find(PostgresException exception) =>
        exception.ConstraintName is { } name && _problems.TryGetValue(name, out var problem) ? problem() : null;
}
