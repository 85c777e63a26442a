using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Npgsql;
using Platform.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.ServiceDefaults.Calls;

/// <summary>On a gRPC service class: only these services may call it, with an identity of their own.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ServicesOnlyAttribute(params string[] services) : Attribute
{
    public IReadOnlyList<string> Services { get; } = services;
}

/// <summary>On a gRPC method: it checks credentials by itself, because it is where assertions come from.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WithoutAssertionAttribute : Attribute;

/// <summary>
/// Enforces the contract around every rpc: a valid assertion, the permission, the environment, the shape; and turns whatever is thrown
/// into a problem.
/// </summary>
internal sealed partial class CallInterceptor(
    AssertionValidator assertions,
    ToolCatalogue catalogue,
    ConstraintProblems constraints,
    ILogger<CallInterceptor> log
) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            await BeginAsync((IMessage)request, context);
            return await continuation(request, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            await BeginAsync((IMessage)request, context);
            await continuation(request, responseStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    private async ValueTask BeginAsync(IMessage request, ServerCallContext context)
    {
        // With the attributes of the method and of its class.
        var metadata = context.GetHttpContext().GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<WithoutAssertionAttribute>() is not null)
        {
            return;
        }

        var caller = await AuthenticateAsync(context);
        if (catalogue.TryGetMethod(context.Method, out var tool))
        {
            Authorize(caller, tool);
            Nfc.Apply(request);
            if (ShapeRules.Check(request) is { Count: > 0 } violations)
            {
                throw Problem.Invalid(violations);
            }

            if (tool.Options.Patch && ShapeRules.FindEmptyPatch(request) is { } empty)
            {
                throw Problem.Invalid(empty);
            }
        }
        else if (metadata?.GetMetadata<ServicesOnlyAttribute>() is not { } only || !only.Services.Contains(caller.Service))
        {
            throw Problem.PermissionDenied(context.Method);
        }

        var headers = context.RequestHeaders;
        CallContext.Set(
            context,
            new Call
            {
                CallId = headers.GetValue(CallMetadata.CallId) ?? Ids.New().ToString(),
                Caller = caller,
                Definition = tool,
                Request = request,
                Task = headers.GetValue(CallMetadata.Task),
                DryRun = headers.GetValue(CallMetadata.DryRun) == "true",
                IdempotencyKey = headers.GetValue(CallMetadata.IdempotencyKey),
                Confirmation = headers.GetValue(CallMetadata.Confirmation),
                Declined = headers.GetValue(CallMetadata.Declined),
            }
        );
        if (tool?.IsRead == true)
        {
            context.ResponseTrailers.Add(CallMetadata.Outcome, Outcomes.Read);
        }
    }

    private async ValueTask<Caller> AuthenticateAsync(ServerCallContext context)
    {
        const string Bearer = "Bearer ";
        return
            context.RequestHeaders.GetValue("authorization") is { } header
            && header.StartsWith(Bearer, StringComparison.Ordinal)
            && await assertions.ValidateAsync(header[Bearer.Length..], context.CancellationToken) is { } caller
            ? caller
            : throw Problem.Unauthenticated("The caller assertion is missing, expired, or not meant for this service.");
    }

    private static void Authorize(Caller caller, ToolDefinition tool)
    {
        if (caller.WorkspaceId == Guid.Empty || tool.IsEnvironmentBound && caller.EnvironmentId is null)
        {
            throw Problem.Unauthenticated(
                $"{tool.Name} needs an assertion for a workspace{(tool.IsEnvironmentBound ? " and an environment" : "")}."
            );
        }

        if (!caller.Permissions.Contains(tool.Options.Scope))
        {
            throw Problem.PermissionDenied(tool.Options.Scope);
        }
    }

    private RpcException Translate(Exception exception, ServerCallContext context)
    {
        switch (exception)
        {
            case RpcException problem when problem.Trailers.Get(Problem.Trailer) is not null:
                return problem;
            case PostgresException postgres when constraints.Find(postgres) is { } problem:
                return problem;
            case PostgresException
            {
                SqlState: PostgresErrorCodes.LockNotAvailable
                    or PostgresErrorCodes.DeadlockDetected
                    or PostgresErrorCodes.SerializationFailure
            }:
                return Problem.Busy();
            case OperationCanceledException
            or RpcException { StatusCode: StatusCode.Cancelled } when context.CancellationToken.IsCancellationRequested:
                return new RpcException(new Status(StatusCode.Cancelled, "The caller went away."));
            case NpgsqlException { IsTransient: true }:
                LogUnavailable(exception, context.Method);
                return Problem.Unavailable("The database");
            default:
                LogUnforeseen(exception, context.Method);
                return Problem.Internal(Activity.Current?.TraceId.ToString() ?? "none");
        }
    }

    [LoggerMessage(1001, LogLevel.Error, "{Method} failed")]
    private partial void LogUnforeseen(Exception exception, string method);

    [LoggerMessage(1002, LogLevel.Warning, "{Method} could not reach its database")]
    private partial void LogUnavailable(Exception exception, string method);
}
