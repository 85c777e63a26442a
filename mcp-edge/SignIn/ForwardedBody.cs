using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Platform.ServiceDefaults;

namespace Platform.Edge.SignIn;

/// <summary>
/// Bodies on their way to the sign-in server. A Keycloak fails at a Content-Type that is no media type or is there twice, and at a form
/// whose escapes are none, as if it were its own fault; all of it is the sender's.
/// </summary>
internal static class ForwardedBody
{
    public const string FormType = "application/x-www-form-urlencoded";
    public const int MaxForm = 64 * 1024;

    /// <summary>False when the server must not get it. A form has been read then, and is read again from memory.</summary>
    public static async Task<bool> IsReadableAsync(HttpContext http)
    {
        var request = http.Request;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
        {
            request.Headers.ContentType = StringValues.Empty;
            return true;
        }

        if (request.Headers.ContentType.Count > 1)
        {
            return false;
        }

        if (string.IsNullOrEmpty(request.ContentType))
        {
            return true;
        }

        if (!Ascii.IsValid(request.ContentType) || !MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            return false;
        }

        if (!type.MediaType.Equals(FormType, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        if (await request.ReadBodyAsync(MaxForm) is not { } form || !HasWholeEscapes(form.Span))
        {
            return false;
        }

        request.Body = new MemoryStream(form.ToArray(), writable: false);
        return true;
    }

    private static bool HasWholeEscapes(ReadOnlySpan<byte> form)
    {
        for (var at = form.IndexOf((byte)'%'); at >= 0; at = form.IndexOf((byte)'%'))
        {
            form = form[(at + 1)..];
            if (form.Length < 2 || !char.IsAsciiHexDigit((char)form[0]) || !char.IsAsciiHexDigit((char)form[1]))
            {
                return false;
            }
        }

        return true;
    }
}
