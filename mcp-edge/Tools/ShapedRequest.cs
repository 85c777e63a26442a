using System.Text.Json;
using Platform.Edge.Access;
using Platform.Edge.Calls;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Tools;

/// <summary>
/// The arguments of a call in the shape of its contract: the request on the wire, and what travels beside it. This is the edge's only check
/// of the shape, and it is there to give the model a useful answer. The service checks for itself.
/// </summary>
internal sealed class ShapedRequest : IDisposable
{
    private static readonly JsonElement _noArguments = JsonDocument.Parse("{}").RootElement;

    private ShapedRequest() { }

    /// <summary>The protobuf request of the rpc.</summary>
    public PooledBuffer Wire { get; } = new(512);

    public SharedValues Shared { get; private set; }

    /// <summary>The request, or the refusal that names every broken rule.</summary>
    public static (ShapedRequest? Request, PolicyRefusal? Refusal) Read(EdgeCall call)
    {
        var tool = call.Tool!;
        var violations = new Violations();
        var request = new ShapedRequest();
        var arguments = tool.Arguments.Read(
            call.Arguments.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? _noArguments : call.Arguments,
            violations
        );
        call.Arguments = arguments;
        if (violations.Count == 0)
        {
            // What only the type on the wire forbids, such as a number that does not fit.
            RequestEncoder.Encode(arguments, tool.Request, request.Wire, violations);
            request.Shared = tool.Definition.IsRead ? default : SharedValues.Read(call, violations);
        }

        if (violations.Count == 0)
        {
            return (request, null);
        }

        request.Dispose();
        return (null, PolicyRefusal.InvalidArgument(violations.What, violations.Fix));
    }

    public void Dispose() => Wire.Dispose();
}
