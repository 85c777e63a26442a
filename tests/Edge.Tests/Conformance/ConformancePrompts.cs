using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Platform.Edge.Tests.Conformance;

internal static class ConformancePrompts
{
    public static readonly ListPromptsResult List = new()
    {
        Prompts =
        [
            new Prompt { Name = "test_input_required_result_prompt", Description = "Asks before it answers." },
            new Prompt
            {
                Name = "test_prompt_with_arguments",
                Description = "Takes two arguments.",
                Arguments =
                [
                    new()
                    {
                        Name = "arg1",
                        Required = true,
                        Description = "The first.",
                    },
                    new()
                    {
                        Name = "arg2",
                        Required = true,
                        Description = "The second.",
                    },
                ],
            },
            new Prompt
            {
                Name = "test_prompt_with_embedded_resource",
                Description = "Holds a resource.",
                Arguments =
                [
                    new()
                    {
                        Name = "resourceUri",
                        Required = true,
                        Description = "Its URI.",
                    },
                ],
            },
            new Prompt { Name = "test_prompt_with_image", Description = "Holds an image." },
            new Prompt { Name = "test_simple_prompt", Description = "Has no arguments." },
        ],
        TimeToLive = TimeSpan.FromMinutes(1),
    };

    public static GetPromptResult Get(RequestContext<GetPromptRequestParams> request)
    {
        switch (request.Params.Name)
        {
            case "test_simple_prompt":
                return Answer(ConformanceTools.Text("This is a simple prompt for testing."));
            case "test_prompt_with_arguments":
                return Answer(ConformanceTools.Text($"Prompt with arguments: arg1='{Argument("arg1")}', arg2='{Argument("arg2")}'"));
            case "test_prompt_with_embedded_resource":
                return Answer(
                    ConformanceTools.Embedded(Argument("resourceUri"), "Embedded resource content for testing."),
                    ConformanceTools.Text("Please process the embedded resource above.")
                );
            case "test_prompt_with_image":
                return Answer(
                    $$"""{"type":"image","data":"{{ConformanceTools.Png}}","mimeType":"image/png"}""",
                    ConformanceTools.Text("Please analyze the image above.")
                );
            case "test_input_required_result_prompt" when request.Params.InputResponses?.ContainsKey("user_context") == true:
                return Answer(ConformanceTools.Text("With the context that was given."));
            case "test_input_required_result_prompt":
                throw ConformanceTools.Required(ConformanceTools.Form("user_context", "What context should the prompt use?", "context"));
            default:
                throw new McpProtocolException("There is no such prompt.", McpErrorCode.InvalidParams);
        }

        string Argument(string name) => request.Params.Arguments?.TryGetValue(name, out var value) == true ? value.GetString() ?? "" : "";
    }

    private static GetPromptResult Answer(params string[] contents) =>
        ConformanceApplication.Read<GetPromptResult>(
            $$"""{"messages":[{{string.Join(',', contents.Select(content => $$"""{"role":"user","content":{{content}}}"""))}}]}"""
        );
}
