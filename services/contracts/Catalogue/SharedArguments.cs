using System.Text.Json;

namespace Platform.Contracts.Catalogue;

/// <summary>The arguments that many tools share. They are declared here once, and travel beside the request as metadata.</summary>
public static class SharedArguments
{
    public const string Environment = "environment";
    public const string IdempotencyKey = "idempotencyKey";
    public const string DryRun = "dryRun";
    public const string Task = "task";
    public const string Confirmation = "confirmation";

    /// <summary>Which of them a tool takes.</summary>
    public static IEnumerable<string> Of(ToolDefinition tool) => Of(tool.Options);

    internal static void Write(Utf8JsonWriter json, Tool tool)
    {
        foreach (var name in Of(tool))
        {
            json.WriteStartObject(name);
            if (name != DryRun)
            {
                json.WriteNumber("minLength", 1);
            }

            switch (name)
            {
                case Environment:
                    Describe(json, "Environment id or name; default: the sandbox.", "string");
                    break;
                case IdempotencyKey:
                    Describe(json, "Repeating a call with the same key within 24 h answers again without acting again.", "string");
                    json.WriteNumber("maxLength", 128);
                    break;
                case DryRun:
                    Describe(json, "Checks and answers, changes nothing.", "boolean");
                    break;
                case Task:
                    Describe(json, "Id of the task this belongs to.", "string");
                    json.WriteNumber("maxLength", 64);
                    break;
                default:
                    Describe(json, "The confirmation that the first call returned.", "string");
                    break;
            }

            json.WriteEndObject();
        }
    }

    internal static void WriteBriefly(Utf8JsonWriter json, Tool tool)
    {
        foreach (var name in Of(tool))
        {
            json.WriteStartObject(name);
            json.WriteString("type", name == DryRun ? "boolean" : "string");
            json.WriteEndObject();
        }
    }

    internal static bool TakesConfirmation(Tool tool) => tool.Effect == Effect.Destructive || tool.MayConfirm;

    private static IEnumerable<string> Of(Tool tool)
    {
        if (tool.Bound == Bound.Environment)
        {
            yield return Environment;
        }

        if (tool.Effect != Effect.Read)
        {
            yield return IdempotencyKey;
            yield return DryRun;
            yield return Task;
        }

        if (TakesConfirmation(tool))
        {
            yield return Confirmation;
        }
    }

    private static void Describe(Utf8JsonWriter json, string description, string type)
    {
        json.WriteString("description", description);
        json.WriteString("type", type);
    }
}

/// <summary>What the edge adds to answers.</summary>
public static class SharedAnswers
{
    /// <summary>Id, name and kind of the environment that an environment-bound tool worked in.</summary>
    public const string Environment = "environment";

    /// <summary>Of a call that changed something; undo_change takes it.</summary>
    public const string CallId = "callId";

    /// <summary>Of an answer that is given again: the call that it was given to first, which changed what it says.</summary>
    public const string RepeatsCallId = "repeatsCallId";

    /// <summary>True when the answer only shows what would happen.</summary>
    public const string DryRun = "dryRun";

    /// <summary>False when everything was as the call wanted it already; otherwise absent.</summary>
    public const string Changed = "changed";

    /// <summary>True when a call waits for its second half.</summary>
    public const string ConfirmationRequired = "confirmationRequired";

    internal static void Write(Utf8JsonWriter json, Tool tool)
    {
        if (tool.Bound == Bound.Environment)
        {
            WriteType(json, Environment, "object");
        }

        if (tool.Effect != Effect.Read)
        {
            WriteType(json, CallId, "string");
            WriteType(json, RepeatsCallId, "string");
            WriteType(json, DryRun, "boolean");
            WriteType(json, Changed, "boolean");
        }

        if (SharedArguments.TakesConfirmation(tool))
        {
            WriteType(json, ConfirmationRequired, "boolean");
            WriteType(json, "confirmation", "string");
            WriteType(json, "expiresAt", "string");
            WriteType(json, "preview", "object");
        }
    }

    private static void WriteType(Utf8JsonWriter json, string name, string type)
    {
        json.WriteStartObject(name);
        json.WriteString("type", type);
        json.WriteEndObject();
    }
}
