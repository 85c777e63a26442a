using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Platform.Edge.Tests.Conformance;

internal static class ConformanceResources
{
    private const string Prefix = "test://template/";

    public static readonly ListResourcesResult List = new()
    {
        Resources =
        [
            new Resource
            {
                Uri = "test://static-text",
                Name = "static-text",
                MimeType = "text/plain",
                Description = "Text that stays as it is.",
            },
            new Resource
            {
                Uri = "test://static-binary",
                Name = "static-binary",
                MimeType = "image/png",
                Description = "One red pixel.",
            },
            new Resource
            {
                Uri = "test://watched-resource",
                Name = "watched-resource",
                MimeType = "text/plain",
                Description = "What a client may watch.",
            },
        ],
        TimeToLive = TimeSpan.FromMinutes(1),
    };

    public static readonly ListResourceTemplatesResult Templates = new()
    {
        ResourceTemplates =
        [
            new ResourceTemplate
            {
                UriTemplate = "test://template/{id}/data",
                Name = "template",
                MimeType = "application/json",
                Description = "Data of an id.",
            },
        ],
        TimeToLive = TimeSpan.FromMinutes(1),
    };

    public static ReadResourceResult Read(string uri) =>
        new()
        {
            Contents =
            [
                uri switch
                {
                    "test://static-text" or "test://watched-resource" => Text(
                        uri,
                        "text/plain",
                        "This is the content of the static text resource."
                    ),
                    "test://static-binary" => BlobResourceContents.FromBytes(
                        Convert.FromBase64String(ConformanceTools.Png),
                        uri,
                        "image/png"
                    ),
                    _ when uri.StartsWith(Prefix, StringComparison.Ordinal) && uri.EndsWith("/data", StringComparison.Ordinal) => Text(
                        uri,
                        "application/json",
                        $$"""{"id":"{{uri[Prefix.Length..^5]}}","templateTest":true,"data":"Data for ID: {{uri[Prefix.Length..^5]}}"}"""
                    ),
                    _ => throw new McpProtocolException("There is no such resource.", McpErrorCode.InvalidParams)
                    {
                        Data = { ["uri"] = uri },
                    },
                },
            ],
            TimeToLive = TimeSpan.FromMinutes(1),
        };

    private static TextResourceContents Text(string uri, string type, string text) =>
        new()
        {
            Uri = uri,
            MimeType = type,
            Text = text,
        };
}
