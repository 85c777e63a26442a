using System.Net;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Platform.Edge.Http;

/// <summary>
/// Hands a request of the public origin on to a server inside, and its answer back. The server is told who called and under which public
/// address, both as this edge knows them, whatever the request claims.
/// </summary>
internal sealed class Forwarding(IHttpForwarder forwarder, IOptions<McpEndpointOptions> options) : IDisposable
{
    private static readonly ForwarderRequestConfig _config = new() { ActivityTimeout = TimeSpan.FromSeconds(30) };

    private readonly HttpMessageInvoker _http = new(Handler());

    private readonly Transformer _transformer = new(options.Value.PublicUrl!);

    /// <summary>What speaks HTTP with servers inside for whoever calls from outside.</summary>
    public static SocketsHttpHandler Handler() =>
        new()
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // As they came: the server takes headers from outside for UTF-8, and .NET's client would refuse what is not ASCII.
            RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
            UseCookies = false,
            UseProxy = false,
        };

    /// <summary>
    /// False when the server did not answer: nothing has been written then. A body that its sender broke off is answered with 400 here.
    /// </summary>
    /// <param name="destination">The server's address without a query; the request's own is added.</param>
    public async Task<bool> SendAsync(HttpContext http, Uri destination)
    {
        http.Items[typeof(Transformer)] = destination;
        var error = await forwarder.SendAsync(http, destination.GetLeftPart(UriPartial.Authority), _http, _config, _transformer);
        if (error is ForwarderError.RequestBodyClient && !http.Response.HasStarted)
        {
            http.Response.Clear();
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
        }

        // Once an answer has begun, or its reader has gone, there is nobody to tell.
        return error is ForwarderError.None or ForwarderError.RequestBodyClient
            || http.Response.HasStarted
            || http.RequestAborted.IsCancellationRequested;
    }

    /// <summary>The headers that tell a server inside who called and where.</summary>
    public static IEnumerable<(string Name, string Value)> Origin(HttpContext http, Uri publicUrl)
    {
        if (http.Connection.RemoteIpAddress is { } address)
        {
            yield return ("X-Forwarded-For", (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString());
        }

        yield return ("X-Forwarded-Proto", publicUrl.Scheme);
        yield return ("X-Forwarded-Host", publicUrl.Authority);
        yield return ("X-Forwarded-Port", publicUrl.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    public void Dispose() => _http.Dispose();

    private sealed class Transformer(Uri publicUrl) : HttpTransformer
    {
        // What a caller claims about its way here, and what a server inside says about itself.
        private static readonly string[] _claims =
        [
            "Forwarded",
            "X-Forwarded-Prefix",
            "X-Forwarded-Path",
            "X-Original-URL",
            "X-Rewrite-URL",
        ];
        private static readonly string[] _inside = [HeaderNames.Server, "X-Powered-By"];

        public override async ValueTask TransformRequestAsync(
            HttpContext http,
            HttpRequestMessage request,
            string destinationPrefix,
            CancellationToken cancellationToken
        )
        {
            await base.TransformRequestAsync(http, request, destinationPrefix, cancellationToken);
            var destination = (Uri)http.Items[typeof(Transformer)]!;
            request.RequestUri = new UriBuilder(destination) { Query = http.Request.QueryString.Value }.Uri;
            request.Headers.Host = null;
            foreach (var name in _claims)
            {
                request.Headers.Remove(name);
            }

            foreach (var (name, value) in Origin(http, publicUrl))
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext http,
            HttpResponseMessage? response,
            CancellationToken cancellationToken
        )
        {
            foreach (var name in _inside)
            {
                response?.Headers.Remove(name);
            }

            return await base.TransformResponseAsync(http, response, cancellationToken);
        }
    }
}
