using System.Text.Json;
using Platform.Edge.Access;
using Platform.Edge.Catalogue;

namespace Platform.Edge.Calls;

/// <summary>What a message asks for, before anybody has looked at who asks.</summary>
/// <param name="Name">As it was asked for.</param>
/// <param name="Tool">Null when there is no such tool, and for what the edge answers by itself.</param>
/// <param name="Arguments">Of the tool; of kind Undefined when there are none.</param>
internal sealed record AskedFor(string Name, ToolBinding? Tool, JsonElement Arguments)
{
    /// <summary>Set when the request makes no sense, whoever asks.</summary>
    public PolicyRefusal? Refusal { get; init; }

    /// <summary>Whether the edge answers by itself.</summary>
    public bool IsLocal { get; init; }

    /// <summary>The compact tool that leads to the operation; empty for a named tool.</summary>
    public string Through { get; init; } = "";
}
