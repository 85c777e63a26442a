using Grpc.Core;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Tests;

public static class Calls
{
    /// <summary>Null for a call that succeeds, else the reason of its problem.</summary>
    public static async Task<string?> ReasonAsync<T>(AsyncUnaryCall<T> call)
    {
        try
        {
            await call;
            return null;
        }
        catch (RpcException exception)
        {
            return Problem.Read(exception)?.Reason ?? throw new InvalidOperationException("The failure carries no problem.", exception);
        }
    }
}
