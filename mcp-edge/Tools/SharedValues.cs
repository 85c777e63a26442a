using System.Text.Json;
using Platform.Contracts.Catalogue;
using Platform.Edge.Calls;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Tools;

/// <summary>The arguments that many tools share and that travel beside the request.</summary>
internal readonly record struct SharedValues(string? IdempotencyKey, string? Task, string? Confirmation, bool DryRun)
{
    public static SharedValues Read(EdgeCall call, Violations violations) =>
        new(
            Header(call, SharedArguments.IdempotencyKey, violations),
            Header(call, SharedArguments.Task, violations),
            Header(call, SharedArguments.Confirmation, violations),
            call.Arguments.ValueKind == JsonValueKind.Object
                && call.Arguments.TryGetProperty(SharedArguments.DryRun, out var dryRun)
                && dryRun.ValueKind == JsonValueKind.True
        );

    // These become header values, where other characters would be lost, or would start a header of their own.
    private static string? Header(EdgeCall call, string name, Violations violations)
    {
        var text = call.Text(name);
        if (text is { Length: > 0 } && text.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            violations.Add(name, "holds a character that is not printable ASCII", "Use letters, digits and punctuation without spaces.");
        }

        return text is { Length: > 0 } ? text : null;
    }
}
