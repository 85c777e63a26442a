using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Platform.ServiceDefaults.Calls;

/// <summary>
/// On the calling side of every call between services: no answer becomes the problem UNAVAILABLE that names the service, so that whoever
/// called reads it as it is, whichever service they called first.
/// </summary>
internal sealed partial class UnansweredCalls(string service, ILogger<UnansweredCalls> log) : Interceptor
{
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation
    )
    {
        var call = continuation(request, context);
        return new AsyncUnaryCall<TResponse>(
            AnswerAsync(call.ResponseAsync, context.Method.Name),
            call.ResponseHeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose
        );
    }

    private async Task<TResponse> AnswerAsync<TResponse>(Task<TResponse> answer, string method)
    {
        try
        {
            return await answer;
        }
        catch (RpcException exception)
            when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded
                && exception.Trailers.Get(Problem.Trailer) is null
            )
        {
            LogUnanswered(service, method, exception.Status.Detail);
            throw Problem.Unavailable($"The {service} service");
        }
    }

    [LoggerMessage(1003, LogLevel.Warning, "The {Service} service gave no answer to {Method}: {Detail}")]
    private partial void LogUnanswered(string service, string method, string detail);
}
