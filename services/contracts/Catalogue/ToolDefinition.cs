using Google.Protobuf.Reflection;

namespace Platform.Contracts.Catalogue;

/// <summary>One capability as the contract declares it: an rpc that carries <c>(platform.tool)</c>.</summary>
/// <param name="Service">
/// The service that owns it, such as <c>data</c>: the key of its address in configuration. Of several, the first.
/// </param>
/// <param name="Options">What the contract says about it.</param>
/// <param name="Description">The comment above the rpc: what the model reads.</param>
/// <param name="Method">The rpc.</param>
/// <param name="Shapes">Comments of messages and fields by full name.</param>
public sealed record ToolDefinition(
    string Service,
    Tool Options,
    string Description,
    MethodDescriptor Method,
    IReadOnlyDictionary<string, string> Shapes
)
{
    private readonly Lazy<byte[]> _inputSchema = new(() => SchemaWriter.Input(Options, Method.InputType, Shapes));

    private readonly Lazy<byte[]> _briefInputSchema = new(() => SchemaWriter.BriefInput(Options, Method.InputType, Shapes));

    private readonly Lazy<byte[]> _outputSchema = new(() => SchemaWriter.Output(Options, Method.OutputType, Shapes));

    /// <summary>Every service that answers it: one, or all that implement a shared contract.</summary>
    public IReadOnlyList<string> Services { get; init; } = [Service];

    public string Name => Options.Name;

    /// <summary>The full gRPC method name, such as <c>/platform.data.v1.Records/CreateRecords</c>.</summary>
    public string GrpcMethod { get; } = $"/{Method.Service.FullName}/{Method.Name}";

    public bool IsRead => Options.Effect == Effect.Read;

    public bool IsDestructive => Options.Effect == Effect.Destructive;

    /// <summary>Whether its calls, or some of them, come in two halves.</summary>
    public bool TakesConfirmation => SharedArguments.TakesConfirmation(Options);

    public bool IsEnvironmentBound => Options.Bound == Bound.Environment;

    /// <summary>JSON Schema 2020-12 of the arguments, the shared ones included, as UTF-8.</summary>
    public ReadOnlyMemory<byte> InputSchema => _inputSchema.Value;

    /// <summary>
    /// The same as <see cref="InputSchema"/> in the short form that a list of many tools shows. It allows everything that the full schema
    /// allows, and more.
    /// </summary>
    public ReadOnlyMemory<byte> BriefInputSchema => _briefInputSchema.Value;

    /// <summary>JSON Schema 2020-12 of the structured answer as UTF-8.</summary>
    public ReadOnlyMemory<byte> OutputSchema => _outputSchema.Value;
}
