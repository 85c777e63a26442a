using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.ServiceDefaults;

/// <summary>Reads ids out of requests.</summary>
public static class RequestIds
{
    extension(Ids)
    {
        /// <summary>The id in a field of a request, such as <c>Ids.Parse("org", request.OrganizationId, "organizationId")</c>.</summary>
        /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: the text is not an id of that kind.</exception>
        public static Guid Parse(string prefix, string text, string field) =>
            Ids.TryParse(prefix, text, out var id)
                ? id
                : throw Problem.Invalid(
                    field,
                    $"is not an id of the form {prefix}_…, which has 26 characters after the underscore",
                    Finder.OfPrefix(prefix) is { } finder ? $"Take it from {finder.Tool}, as it is." : "Take it from an answer, as it is."
                );
    }
}
