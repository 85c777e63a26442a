using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Platform.Testing;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>What no answer may be, whatever was sent.</summary>
internal static partial class Oracle
{
    private static readonly string[] _ours = ["INTERNAL", "UNAVAILABLE", "OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"];

    /// <summary>What is wrong with the answer; null when nothing is.</summary>
    public static string? Problem(Attempt attempt, WireAnswer answer)
    {
        if (attempt.IsCut && answer.Problem is not null)
        {
            return null;
        }

        if (answer.Status == 0)
        {
            return answer.Problem;
        }

        if (answer.Status is < 200 or >= 500)
        {
            return $"status {answer.Status}";
        }

        if (attempt.Method == "HEAD")
        {
            return null;
        }

        if (answer.Problem is not null || answer.Body.Length == 0)
        {
            return answer.Problem;
        }

        var text = Text(answer.Body);
        if (text is null)
        {
            return "a body that is not UTF-8";
        }

        if (Inside().Match(text) is { Success: true } frame)
        {
            return $"a stack trace: {frame.Value}";
        }

        var type = answer.Header("Content-Type");
        return type.Contains("json", StringComparison.Ordinal) ? OfJson(text)
            : type.StartsWith("text/event-stream", StringComparison.Ordinal)
                ? Data(text).Select(OfJson).FirstOrDefault(problem => problem is not null)
            : null;
    }

    /// <summary>
    /// Why MCP says no: the reason of a tool's result, empty for an error of the protocol; null when it does not say no.
    /// </summary>
    public static string? Refusal(WireAnswer answer)
    {
        if (answer.Status is < 200 or >= 500 || Text(answer.Body) is not { Length: > 0 } text)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("jsonrpc", out _))
            {
                return null;
            }

            return root.TryGetProperty("error", out _) ? "" : Told(root)?.Split(':')[0];
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // What the result of a tool that went wrong says.
    private static string? Told(JsonElement message) =>
        message.TryGetProperty("result", out var result) && result.TryGetProperty("isError", out var failed) && failed.GetBoolean()
            ? result.GetProperty("content")[0].GetProperty("text").GetString()
            : null;

    private static string? OfJson(string text)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            return "a body that is not JSON";
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            if (
                root.TryGetProperty("error", out var error)
                && error.ValueKind == JsonValueKind.Object
                && error.TryGetProperty("code", out var code)
                && code.TryGetInt32(out var number)
                && number == -32603
            )
            {
                return "-32603";
            }

            if (Told(root) is { } told)
            {
                return _ours.FirstOrDefault(reason => told.StartsWith(reason, StringComparison.Ordinal));
            }

            return root.TryGetProperty("reason", out var problem) ? _ours.FirstOrDefault(reason => problem.ValueEquals(reason)) : null;
        }
    }

    private static IEnumerable<string> Data(string events) =>
        events.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line["data: ".Length..]);

    private static string? Text(byte[] body)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(body);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\bat (Platform|System|Microsoft|Npgsql|Grpc|org\.keycloak)\.[\w.]+\(")]
    private static partial Regex Inside();
}
