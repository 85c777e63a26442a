using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Queries;

/// <summary>Which fields an answer holds, and under which keys.</summary>
internal sealed record FieldSelection(IReadOnlyList<FieldSchema> Fields, bool ByName)
{
    /// <param name="table">Whose fields.</param>
    /// <param name="requested">Names or ids, or <c>*</c> for all.</param>
    /// <param name="fieldKeys"><c>name</c> or <c>id</c>; empty means name.</param>
    /// <param name="allByDefault">What no request means: all, or none.</param>
    /// <param name="path">What the request calls them.</param>
    /// <exception cref="RpcException">INVALID_ARGUMENT: an unknown field.</exception>
    public static FieldSelection Of(
        TableSchema table,
        IReadOnlyList<string> requested,
        string fieldKeys,
        bool allByDefault,
        string path = "returnFields"
    )
    {
        var byName = fieldKeys != "id";
        if (requested.Count == 0 ? allByDefault : requested.Contains("*"))
        {
            return new FieldSelection(table.Fields, byName);
        }

        var fields = new List<FieldSchema>();
        var violations = new List<Violation>();
        for (var i = 0; i < requested.Count; i++)
        {
            if (table.Find(requested[i]) is not { } field)
            {
                violations.Add(
                    new Violation
                    {
                        Field = $"{path}[{i}]",
                        Rule = $"{requested[i]} is not a field of the table",
                        Fix = table.KnownFields(withSystem: false),
                    }
                );
            }
            else if (!fields.Contains(field))
            {
                fields.Add(field);
            }
        }

        return violations.Count == 0 ? new FieldSelection(fields, byName) : throw Problem.Invalid(violations);
    }
}
