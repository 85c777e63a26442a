using System.Text.Json;
using System.Text.RegularExpressions;

namespace Platform.Servers;

/// <summary>
/// The users of RabbitMQ and what each may touch, from <c>deploy/rabbitmq-definitions.json</c>. The broker loads them at every start, so
/// that a changed password, or a right that a new version needs, also reaches the data of an earlier run.
/// </summary>
internal static partial class BrokerDefinitions
{
    /// <summary>The name of a service's password in the file.</summary>
    public static string PasswordOf(string service) => $"{service.ToUpperInvariant()}_PASSWORD";

    /// <summary>Fills in what stands as <c>${NAME}</c>.</summary>
    public static string Fill(string checkout, IReadOnlyDictionary<string, string> values) =>
        Place()
            .Replace(File.ReadAllText(Path.Combine(checkout, "deploy", "rabbitmq-definitions.json")), place =>
                JsonEncodedText.Encode(values[place.Groups[1].Value]).ToString()
            );

    [GeneratedRegex(@"\$\{(\w+)\}")]
    private static partial Regex Place();
}
