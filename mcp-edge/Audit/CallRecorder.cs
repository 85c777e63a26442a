using Grpc.Core;
using Microsoft.Extensions.Options;
using Platform.Audit.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using CallsClient = Platform.Audit.Contracts.V1.Calls.CallsClient;

namespace Platform.Edge.Audit;

/// <summary>Hands call records to audit with the edge's own identity.</summary>
internal sealed partial class CallRecorder(
    CallsClient audit,
    ServiceAssertions assertions,
    IOptions<AuditOptions> options,
    ILogger<CallRecorder> log
)
{
    private const string Audience = "audit";

    /// <summary>False when audit could not be asked. Records that audit will never take are dropped with an error in the log.</summary>
    public async Task<bool> TryRecordAsync(string instance, IReadOnlyList<CallRecord> records)
    {
        try
        {
            await RecordAsync(instance, records);
            return true;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.InvalidArgument)
        {
            if (records.Count == 1)
            {
                LogMalformed(exception, records[0].Id);
                return true;
            }
            foreach (var record in records)
            {
                if (!await TryRecordAsync(instance, [record]))
                {
                    return false;
                }
            }
            return true;
        }
        catch (RpcException exception)
        {
            if (exception.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied)
            {
                assertions.Forget(Audience);
            }

            LogAway(exception.StatusCode, records.Count);
            return false;
        }
        catch (OperationCanceledException)
        {
            LogAway(StatusCode.DeadlineExceeded, records.Count);
            return false;
        }
    }

    /// <summary>Tells how far an instance that has ended has counted. False when audit could not be asked.</summary>
    public async Task<bool> TryTellAsync(string instance, IReadOnlyList<LastNumber> numbers)
    {
        try
        {
            await SendAsync(new RecordCallsRequest { Instance = instance, LastNumbers = { numbers } });
            return true;
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            LogNotTold((exception as RpcException)?.StatusCode ?? StatusCode.DeadlineExceeded);
            return false;
        }
    }

    private async Task RecordAsync(string instance, IReadOnlyList<CallRecord> records)
    {
        await SendAsync(new RecordCallsRequest { Instance = instance, Records = { records } });
    }

    private async Task SendAsync(RecordCallsRequest request)
    {
        using var patience = new CancellationTokenSource(options.Value.Patience);
        var deadline = DateTime.UtcNow + options.Value.Patience;
        await audit.RecordCallsAsync(request, await assertions.HeadersAsync(Audience, patience.Token), deadline);
    }

    [LoggerMessage(2101, LogLevel.Error, "Audit refuses the record {Id} as malformed; it is lost")]
    private partial void LogMalformed(Exception exception, string id);

    [LoggerMessage(2102, LogLevel.Warning, "Audit took none of {Count} records: {Status}")]
    private partial void LogAway(StatusCode status, int count);

    [LoggerMessage(2103, LogLevel.Warning, "Audit could not be told how many records there are so far: {Status}")]
    private partial void LogNotTold(StatusCode status);
}
