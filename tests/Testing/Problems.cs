using Grpc.Core;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Xunit;

namespace Platform.Testing;

public static class Problems
{
    /// <summary>The problem that a call ends with; the test fails when it succeeds or fails without one.</summary>
    public static async Task<ProblemDetail> ProblemAsync<T>(this AsyncUnaryCall<T> call)
    {
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await call);
        return Problem.Read(exception)
            ?? throw new InvalidOperationException($"The failure carries no problem: {exception.Status}", exception);
    }
}
