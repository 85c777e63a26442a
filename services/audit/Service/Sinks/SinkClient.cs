using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Platform.Audit.Service.Sinks;

/// <summary>Sends the requests of the sinks, through <see cref="OutboundConnections"/>. What goes wrong is part of the answer.</summary>
internal sealed class SinkClient(IHttpClientFactory clients, IOptions<SinkOptions> options, TimeProvider time)
{
    public const string Name = "audit-sink";

    /// <param name="judge">What a status of this destination means.</param>
    public async Task<SinkAnswer> SendAsync(
        HttpRequestMessage request,
        Destination destination,
        Func<HttpStatusCode, SinkVerdict> judge,
        CancellationToken cancellationToken
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(options.Value.TimeoutSeconds));
        try
        {
            using var client = clients.CreateClient(Name);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            var said = await Excerpt.ReadAsync(response.Content, destination.Secrets, timeout.Token);
            return new SinkAnswer(judge(response.StatusCode), (int)response.StatusCode, said, RetryAfter(response.Headers.RetryAfter));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new SinkAnswer(SinkVerdict.Retry, null, "No answer in time.");
        }
        catch (HttpRequestException exception) when (exception.InnerException is ForbiddenAddressException forbidden)
        {
            return new SinkAnswer(SinkVerdict.Forbidden, null, forbidden.Message);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.NameResolutionError)
        {
            return new SinkAnswer(SinkVerdict.NoRoute, null, "The destination's name cannot be resolved.");
        }
        catch (HttpRequestException exception)
            when (exception.InnerException
                    is SocketException { SocketErrorCode: SocketError.NetworkUnreachable or SocketError.HostUnreachable }
            )
        {
            return new SinkAnswer(SinkVerdict.NoRoute, null, "No route leads to the destination.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new SinkAnswer(SinkVerdict.Retry, null, Describe(exception));
        }
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? header?.Date - time.GetUtcNow();
        return wait > TimeSpan.Zero ? wait : null;
    }

    private static string Describe(Exception exception) =>
        exception switch
        {
            HttpRequestException { HttpRequestError: var error and not HttpRequestError.Unknown } => $"The connection failed: {error}.",
            _ => "The connection failed.",
        };
}
