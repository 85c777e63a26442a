using System.Text.Json;
using System.Text.Json.Serialization;
using ModelContextProtocol;
using Platform.Contracts.Catalogue;
using Platform.Edge.Access;
using Platform.Edge.Callers;
using Platform.Edge.Calls;
using Platform.Edge.Catalogue;
using Platform.Edge.Tools;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Lookups;

/// <summary>
/// Looks that a list or a completion takes by itself. Each is a call of a tool that reads: the same rules, the same record in the audit
/// log. What the caller may not see is not there; that they cannot see it was not their question, and is no refusal.
/// </summary>
internal sealed class Lookup(ToolSurface surface, ToolReader tools, CallerCache callers, Policy policy, TimeProvider time)
{
    /// <summary>What the tools that list take at most.</summary>
    public const int MaxLimit = 200;

    private static readonly JsonSerializerOptions _arguments = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    };

    /// <summary>Whether the tool is there for this caller in any environment.</summary>
    public bool CanUse(string name, Asker asker) =>
        surface.TryFind(name, out var tool) && asker.Narrowing.Includes(tool) && ToolSurface.IsUsable(tool, asker.Caller, asker.Narrowing);

    /// <summary>Calls a tool that lists, in one of the asker's environments.</summary>
    /// <exception cref="McpProtocolException">The look went wrong; the client reads why.</exception>
    public async ValueTask<Found> ReadAsync(
        Asker asker,
        string name,
        ReachableEnvironment environment,
        Wanted wanted,
        CancellationToken cancellationToken
    )
    {
        if (!surface.TryFind(name, out var tool) || await CallerInAsync(asker, environment, cancellationToken) is not { } caller)
        {
            return default;
        }

        if (policy.OfCall(caller, asker.Narrowing, tool, name, environment: null) is { } refusal)
        {
            return new Found { IsLimited = refusal.Status == StatusCodes.Status429TooManyRequests };
        }

        var call = new EdgeCall
        {
            Exchange = asker.Call.Exchange,
            ToolName = name,
            Tool = tool,
            Caller = caller,
            Arguments = JsonSerializer.SerializeToElement(wanted with { Environment = environment.EnvironmentId }, _arguments),
            StartedAt = time.GetTimestamp(),
            OccurredAt = time.GetUtcNow(),
            TraceParent = asker.Call.TraceParent,
        };
        using var answer = JsonDocument.Parse(await tools.ReadAsync(call, cancellationToken));
        return new Found { Answer = answer.RootElement.Clone() };
    }

    /// <summary>What a client is told when not even the first look was within its rate.</summary>
    public static McpProtocolException Limited() =>
        new($"{Policy.TooMany.Reason}: {Policy.TooMany.Message}", (McpErrorCode)Policy.TooMany.Code);

    /// <summary>The environment that an id, name or kind means to this caller behind this URL; null when there is none.</summary>
    public async ValueTask<ReachableEnvironment?> FindEnvironmentAsync(Asker asker, string name, CancellationToken cancellationToken) =>
        name.Length > 100 ? null
        : asker.Narrowing.Environment.Length > 0
            ? asker.Caller.IsIn(name) ? asker.Caller.Caller.Environment
                : null
        : (await CallerInAsync(asker, name, cancellationToken))?.Caller.Environment;

    private ValueTask<ResolvedCaller?> CallerInAsync(Asker asker, ReachableEnvironment environment, CancellationToken cancellationToken) =>
        asker.IsHere(environment) ? new(asker.Caller) : CallerInAsync(asker, environment.EnvironmentId, cancellationToken);

    private async ValueTask<ResolvedCaller?> CallerInAsync(Asker asker, string environment, CancellationToken cancellationToken)
    {
        try
        {
            var caller = await callers.GetAsync(
                asker.Credential,
                asker.Narrowing.Workspace,
                environment,
                asker.Narrowing.Environment.Length > 0,
                cancellationToken
            );
            return caller.Refusal == Refusal.Unspecified ? caller : null;
        }
        catch (IdentityUnavailableException exception)
        {
            throw new McpProtocolException($"UNAVAILABLE: {exception.Message} Try again in a few seconds.", McpErrorCode.InternalError);
        }
    }
}

/// <summary>Arguments of a tool that lists.</summary>
internal sealed record Wanted(int Limit, string? Search = null, string? Cursor = null)
{
    [JsonPropertyName(SharedArguments.Environment)]
    public string? Environment { get; init; }
}

/// <summary>What a look has found: nothing where the caller may not look.</summary>
internal readonly record struct Found
{
    public JsonElement? Answer { get; init; }

    /// <summary>Whether the caller's rate was used up, so that nobody looked.</summary>
    public bool IsLimited { get; init; }

    /// <summary>Null when this is all.</summary>
    public string? NextCursor =>
        Answer is { } answer
        && answer.TryGetProperty("page"u8, out var page)
        && page.TryGetProperty("nextCursor"u8, out var next)
        && next.GetString() is { Length: > 0 } cursor
            ? cursor
            : null;

    public IEnumerable<JsonElement> Entries(string member) =>
        Answer is { } answer && answer.TryGetProperty(member, out var entries) ? entries.EnumerateArray() : [];
}
