using System.Text.Json;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Contracts;
using Platform.Edge.Calls;
using Platform.Edge.Transcoding;

namespace Platform.Edge.Tools;

/// <summary>
/// Asks the user of a client that can ask, before a call that needs a confirmation: a question goes out, and its answer comes with
/// the call's repeat.
/// </summary>
internal static class UserConfirmation
{
    private const string Question = "confirm";

    /// <summary>Whether the user can be asked about this call. Others get a confirmation that the model passes on.</summary>
    public static bool CanAsk(EdgeCall call, RequestContext<CallToolRequestParams> request) =>
        call.Tool!.Definition.TakesConfirmation
        && call.Exchange.IsModern
        && request is { Server: { IsMrtrSupported: true, ClientCapabilities.Elicitation: { } elicitation } }
        && (elicitation.Form is not null || elicitation.Url is null);

    /// <summary>What the user said: null when this request carries no answer.</summary>
    public static bool? AnswerIn(JsonElement parameters)
    {
        if (
            !parameters.TryGetProperty("inputResponses"u8, out var responses)
            || responses.ValueKind != JsonValueKind.Object
            || !responses.TryGetProperty(Question, out var response)
            || response.ValueKind != JsonValueKind.Object
            || !response.TryGetProperty("action"u8, out var action)
            || action.TextOrNull() is not { } said
        )
        {
            return null;
        }

        return said == "accept"
            && response.TryGetProperty("content"u8, out var content)
            && content.ValueKind == JsonValueKind.Object
            && content.TryGetProperty(Question, out var agreed)
            && agreed.ValueKind == JsonValueKind.True;
    }

    /// <summary>The question about what a preview shows. The confirmation of the service comes back with the answer.</summary>
    public static InputRequiredException Ask(EdgeCall call, Confirmation required)
    {
        var about = PreviewText.Of(required.Preview?.Utf8.Memory ?? default);
        return new InputRequiredException(
            new Dictionary<string, InputRequest>
            {
                [Question] = InputRequest.ForElicitation(
                    new ElicitRequestParams
                    {
                        Message =
                            $"{call.Tool!.Definition.Options.Title}: nothing was changed yet, and this needs your agreement."
                            + (about.Length > 0 ? $" It is about: {about}" : ""),
                        RequestedSchema = new()
                        {
                            Properties =
                            {
                                [Question] = new ElicitRequestParams.BooleanSchema { Title = "Go on", Description = "Yes, do it." },
                            },
                            Required = [Question],
                        },
                    }
                ),
            },
            required.Token
        );
    }
}
