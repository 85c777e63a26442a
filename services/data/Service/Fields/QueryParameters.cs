using Npgsql;
using NpgsqlTypes;

namespace Platform.Data.Service.Fields;

/// <summary>Collects the parameters of one statement. Values reach SQL in no other way.</summary>
internal sealed class QueryParameters
{
    private readonly List<object?> _values = [];

    public IReadOnlyList<object?> Values => _values;

    public string Add(NpgsqlParameter parameter)
    {
        _values.Add(parameter);
        return $"${_values.Count}";
    }

    public string Add(NpgsqlDbType type, object? value) => Add(new NpgsqlParameter { NpgsqlDbType = type, Value = value ?? DBNull.Value });

    public string AddText(string? value) => Add(NpgsqlDbType.Text, value);

    public string AddTexts(IEnumerable<string> values) => Add(NpgsqlDbType.Array | NpgsqlDbType.Text, values.ToArray());

    public string AddIds(IEnumerable<Guid> values) => Add(NpgsqlDbType.Array | NpgsqlDbType.Uuid, values.ToArray());
}
