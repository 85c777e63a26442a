using System.Security.Cryptography;
using System.Text;

namespace Platform.Directory.Contracts;

/// <summary>
/// The page behind an invitation's link. The directory mails the link, identity serves the page, and the edge forwards it under the public
/// URL and answers by itself whoever asks too often.
/// </summary>
public static class JoinPage
{
    /// <summary>The path at identity.</summary>
    public const string Path = "/join";

    /// <summary>Bytes of a form that somebody sends; a long password takes most of them.</summary>
    public const int MaxForm = 16 * 1024;

    private const string Style =
        ":root{color-scheme:light dark}"
        + "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#222;background:#fff;"
        + "overflow-wrap:anywhere}"
        + "h1{line-height:1.25}"
        + "label{display:block;margin:.8rem 0;max-width:22rem}"
        + "input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}"
        + "button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.3rem;background:#225;color:#fff;cursor:pointer}"
        + "[role=alert]{border-left:.3rem solid #b3261e;padding-left:.8rem}"
        + "small{color:#555}"
        + "@media(max-width:40rem){body{margin:1.5rem auto}}"
        + "@media(prefers-color-scheme:dark){body{color:#eee;background:#1c1e21}small{color:#bbb}button{background:#aac4ff;color:#112}}";

    /// <summary>HTML for a person whose acceptance may or may not have been carried out, since its answer was lost.</summary>
    public const string OutcomeUnknown =
        "<p>We could not find out whether you joined. Open the link from your mail again in a moment, and accept. "
        + "This is safe: if you have joined already, the page says so.</p>";

    /// <summary>HTML for a request that no form of the page makes.</summary>
    public const string NotUnderstood = "<p>Open the link from your mail, and press the button there.</p>";

    /// <summary>The page's public address, beside the MCP endpoint, <c>https://host/join</c> for <c>https://host/mcp</c>.</summary>
    public static Uri Under(Uri publicUrl) => new(new Uri(publicUrl.AbsoluteUri.TrimEnd('/')), Path[1..]);

    /// <summary>
    /// Of every answer: no script, no style but ours, no frame, and the link, which is a credential, neither kept nor told to others.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Headers { get; } =
        new Dictionary<string, string>
        {
            ["Content-Type"] = "text/html; charset=utf-8",
            ["Content-Security-Policy"] =
                $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
                + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ["Referrer-Policy"] = "no-referrer",
            ["Cache-Control"] = "no-store",
            ["X-Content-Type-Options"] = "nosniff",
        };

    /// <param name="title">HTML, as is the body: what people wrote is escaped already.</param>
    /// <param name="isProblem">Whether the page comes back with what is wrong: who hears the page hears the title first.</param>
    public static string Html(string title, string body, bool isProblem = false) =>
        $"""
            <!doctype html>
            <html lang="en" dir="ltr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="robots" content="noindex">
            <title>{(isProblem ? "Error: " : "")}{title}</title><style>{Style}</style></head>
            <body><main><h1>{title}</h1>
            {body}
            </main></body></html>
            """;
}
