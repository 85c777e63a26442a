using System.Text;
using System.Text.Json;
using Platform.Contracts;
using Platform.Edge.Access;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Compact;

/// <summary>
/// Four tools that reach every operation, so that hundreds of them do not fill a model's context. An operation is a named tool: it is
/// checked, carried out and recorded under its own name, whichever surface it was called through.
/// </summary>
internal sealed class CompactSurface(ToolSurface tools)
{
    public const string ListOperations = "list_operations";
    public const string Query = "query";
    public const string Mutate = "mutate";
    private const string WhoAmI = "whoami";

    private static readonly JsonElement _none = JsonDocument.Parse("{}").RootElement;

    private static readonly Shown _listOperations = new(
        ListOperations,
        "List operations",
        "Finds operations by words and toolset, with name, title and effect. "
            + "With `name`, tells one operation's arguments and answer: read that before you call it the first time.",
        """
        {"type":"object","properties":{
        "search":{"description":"Words that name, title or description must have.","type":"string","maxLength":200},
        "toolset":{"description":"Only of this toolset.","type":"string","maxLength":60},
        "name":{"description":"Tell all about this one operation.","type":"string","maxLength":60},
        "cursor":{"description":"The nextCursor of the page before.","type":"string","maxLength":400}},"additionalProperties":false}
        """,
        "\"readOnlyHint\":true,\"destructiveHint\":false,\"idempotentHint\":true"
    );

    private static readonly Shown _query = new(
        Query,
        "Query",
        "Calls an operation whose effect is `read`.",
        Operation("As list_operations tells for this name."),
        "\"readOnlyHint\":true,\"destructiveHint\":false,\"idempotentHint\":true"
    );

    private static readonly Shown _mutate = new(
        Mutate,
        "Mutate",
        "Calls an operation whose effect is `write` or `destructive`. "
            + "A destructive one first answers with a preview and a confirmation: show it to the user, "
            + "then call again with the same arguments and `confirmation`.",
        Operation("As list_operations tells for this name, with idempotencyKey, dryRun, task and confirmation where it takes them."),
        "\"readOnlyHint\":false,\"destructiveHint\":true,\"idempotentHint\":false"
    );

    /// <summary>The members of a list result: the edge's own tools, and the named ones that stand beside them behind this URL.</summary>
    public PooledBuffer List(ResolvedCaller caller, UrlNarrowing narrowing, bool isModern, int pageSize, string? cursor)
    {
        var usable = tools.Usable(caller, narrowing).ToList();
        var named = narrowing.IsCompact ? usable.Where(tool => tool.Name == WhoAmI) : tools.Listed(caller, narrowing);
        var entries = named
            .Select(tool => (tool.Name, Entry: tool.ListEntry(narrowing)))
            .Concat(Own(usable).Select(shown => (shown.Name, Entry: narrowing.IsStrict ? shown.StrictEntry : shown.Entry)))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal);
        var (page, next) = ListCursor.Cut(entries, entry => entry.Name, pageSize, cursor);
        return ToolSurface.Write(page.Select(entry => entry.Entry), isModern, next);
    }

    /// <summary>Whether a call of this name is one of the edge's own tools, where the URL shows them.</summary>
    public static bool IsOwn(string name, UrlNarrowing narrowing) =>
        narrowing.IsCompact || narrowing.ShowsOperations && (name is ListOperations or Query or Mutate);

    private static IEnumerable<Shown> Own(List<ToolBinding> usable)
    {
        yield return _listOperations;
        if (usable.Exists(tool => !tool.Definition.IsRead))
        {
            yield return _mutate;
        }

        if (usable.Exists(tool => tool.Definition.IsRead))
        {
            yield return _query;
        }
    }

    /// <summary>What a call of one of the four means.</summary>
    public AskedFor Find(string name, JsonElement arguments) =>
        FindGiven(name, arguments.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? _none : arguments);

    private AskedFor FindGiven(string name, JsonElement arguments) =>
        name switch
        {
            WhoAmI when tools.TryFind(WhoAmI, out var tool) => new AskedFor(name, tool, arguments),
            ListOperations => Read(_listOperations, arguments, read => new AskedFor(name, null, read) { IsLocal = true }),
            Query => Read(_query, arguments, read => FindOperation(name, read)),
            Mutate => Read(_mutate, arguments, read => FindOperation(name, read)),
            _ => new AskedFor(name, null, arguments)
            {
                Refusal = new(
                    RefusalForm.UnknownTool,
                    Reasons.UnknownTool,
                    $"Unknown tool: {name}. This surface has list_operations, query, mutate and whoami."
                ),
            },
        };

    private AskedFor FindOperation(string through, JsonElement arguments)
    {
        var name = arguments.GetProperty("operation"u8).TextOrNull() ?? "";
        if (!tools.TryFind(name, out var tool))
        {
            return new AskedFor(name, null, arguments) { Refusal = PolicyRefusal.UnknownOperation(name), Through = through };
        }

        var inner = arguments.TryGetProperty("arguments"u8, out var given) ? given : default;
        var right = tool.Definition.IsRead ? Query : Mutate;
        return new AskedFor(name, tool, inner)
        {
            Through = through,
            Refusal =
                through == right
                    ? null
                    : new(
                        RefusalForm.ToolError,
                        Reasons.WrongTool,
                        $"The effect of {tool.Name} is {tool.Effect}.",
                        $"Call it with {right}."
                    ),
        };
    }

    private static AskedFor Read(Shown shown, JsonElement arguments, Func<JsonElement, AskedFor> find)
    {
        var violations = new Violations();
        var read = shown.Arguments.Read(arguments, violations);
        return violations.Count == 0
            ? find(read)
            : new AskedFor(shown.Name, null, arguments) { Refusal = PolicyRefusal.InvalidArgument(violations.What, violations.Fix) };
    }

    private static string Operation(string argumentsAre) =>
        $$$"""
            {"type":"object","properties":{"operation":{"description":"Name from list_operations.","type":"string","maxLength":60},
            "arguments":{"description":"{{{argumentsAre}}}","type":"object"}},"required":["operation"],"additionalProperties":false}
            """;

    /// <summary>One of the tools that are the edge's own.</summary>
    private sealed class Shown(string name, string title, string description, string schema, string hints)
    {
        public string Name => name;

        public ArgumentSchema Arguments { get; } = ArgumentSchema.Compile(Encoding.UTF8.GetBytes(schema));

        public byte[] Entry { get; } = Write(name, title, description, schema.ReplaceLineEndings(""), hints);

        public byte[] StrictEntry { get; } =
            Write(name, title, description, Encoding.UTF8.GetString(StrictSchema.Of(Encoding.UTF8.GetBytes(schema))), hints);

        private static byte[] Write(string name, string title, string description, string schema, string hints) =>
            Encoding.UTF8.GetBytes(
                $$$"""
                {"name":"{{{name}}}","title":"{{{title}}}","description":"{{{description}}}","inputSchema":{{{schema}}},
                "annotations":{{{{hints}}},"openWorldHint":false}}
                """
            );
    }
}
