using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Schemas;

/// <summary>Names that people give: any script, but nothing that cannot be seen or told apart.</summary>
internal static class Names
{
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT.</exception>
    public static void Check(string path, string name)
    {
        if (Find(path, name) is { } violation)
        {
            throw Problem.Invalid(violation);
        }
    }

    public static Violation? Find(string path, string name) =>
        name.Trim().Length == 0 || name.Trim().Length != name.Length
            ? new Violation
            {
                Field = path,
                Rule = "begins or ends with white space, or is blank",
                Fix = "Trim it.",
            }
        : name.Any(char.IsControl)
            ? new Violation
            {
                Field = path,
                Rule = "holds a control character",
                Fix = "Remove it.",
            }
        : null;
}
