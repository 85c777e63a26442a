using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol;

namespace Platform.Edge.Http;

/// <summary>The protocol's types in JSON.</summary>
internal static class McpTypes
{
    // A member that is there and null is as bad as one that is not there. The package lets it through, to whoever uses it first.
    private static readonly JsonSerializerOptions _strict = new(McpJsonUtilities.DefaultOptions) { RespectNullableAnnotations = true };

    /// <summary>To read what a client sends.</summary>
    public static JsonTypeInfo<T> Received<T>() => (JsonTypeInfo<T>)_strict.GetTypeInfo(typeof(T));

    /// <summary>To write.</summary>
    public static JsonTypeInfo<T> Sent<T>() => (JsonTypeInfo<T>)Sent(typeof(T));

    /// <summary>To write what is known by its type at run time.</summary>
    public static JsonTypeInfo Sent(Type type) => McpJsonUtilities.DefaultOptions.GetTypeInfo(type);
}
