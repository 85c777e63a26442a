using System.Text.Json;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Platform.Contracts;
using Platform.Edge.Calls;

namespace Platform.Edge.Tools;

/// <summary>
/// Asks the user of a client that can ask, before a call that needs a confirmation: a question goes out, and its answer comes with
/// the call's repeat.
/// </summary>
internal static class UserConfirmation
{
    private const string Question = "confirm";
    private const int MaxPreview = 2000;

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
            || action.ValueKind != JsonValueKind.String
        )
        {
            return null;
        }

        return action.ValueEquals("accept"u8)
            && response.TryGetProperty("content"u8, out var content)
            && content.ValueKind == JsonValueKind.Object
            && content.TryGetProperty(Question, out var agreed)
            && agreed.ValueKind == JsonValueKind.True;
    }

    /// <summary>The question about what a preview shows. The confirmation of the service comes back with the answer.</summary>
    public static InputRequiredException Ask(EdgeCall call, Confirmation required)
    {
        var preview = required.Preview?.Utf8.ToStringUtf8() ?? "";
        var shown = preview.Length > MaxPreview ? preview[..MaxPreview] + "…" : preview;
        var (title, isDestructive) = (call.Tool!.Definition.Options.Title, call.Tool.Definition.IsDestructive);
        var marker = PeoplesText.NewMarker();
        return new InputRequiredException(
            new Dictionary<string, InputRequest>
            {
                [Question] = InputRequest.ForElicitation(
                    new ElicitRequestParams
                    {
                        Message = isDestructive
                            ? $"{title}: this cannot be taken back by itself. It would destroy what is shown. {Marked()}"
                            : $"{title}: this needs your agreement. It would do what is shown. {Marked()}",
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

        string Marked() => $"{PeoplesText.Warning(marker)}\n{PeoplesText.Between(marker, shown)}";
    }
}
