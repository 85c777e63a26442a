using Grpc.Core;
using Microsoft.Extensions.Options;
using Platform.Audit.Contracts.V1;
using Platform.Identity.Contracts.V1;
using CallersClient = Platform.Identity.Contracts.V1.Callers.CallersClient;
using CallsClient = Platform.Audit.Contracts.V1.Calls.CallsClient;

namespace Platform.Edge.Audit;

/// <summary>Hands call records to audit with the edge's own identity.</summary>
internal sealed partial class CallRecorder(
    CallsClient audit,
    CallersClient identity,
    IOptions<AuditOptions> options,
    TimeProvider time,
    ILogger<CallRecorder> log
) : IDisposable
{
    private static readonly TimeSpan _margin = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _renewing = new(1, 1);
    private volatile Assertion? _assertion;

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
                _assertion = null;
            }

            LogAway(exception.StatusCode, records.Count);
            return false;
        }
    }

    private async Task RecordAsync(string instance, IReadOnlyList<CallRecord> records)
    {
        var deadline = DateTime.UtcNow + options.Value.Patience;
        var request = new RecordCallsRequest { Instance = instance };
        request.Records.Add(records);
        var headers = new Metadata { { "authorization", await AuthorizeAsync(deadline) } };
        await audit.RecordCallsAsync(request, headers, deadline);
    }

    private async ValueTask<string> AuthorizeAsync(DateTime deadline)
    {
        if (_assertion is { } current && current.Until > time.GetUtcNow())
        {
            return current.Header;
        }

        await _renewing.WaitAsync();
        try
        {
            if (_assertion is { } renewed && renewed.Until > time.GetUtcNow())
            {
                return renewed.Header;
            }

            var answer = await identity.IssueServiceAssertionAsync(
                new IssueServiceAssertionRequest
                {
                    Service = "edge",
                    Secret = options.Value.ServiceSecret,
                    Audience = "audit",
                },
                deadline: deadline
            );
            var fresh = new Assertion($"Bearer {answer.Assertion}", answer.ExpiresAt.ToDateTimeOffset() - _margin);
            _assertion = fresh;
            return fresh.Header;
        }
        finally
        {
            _renewing.Release();
        }
    }

    public void Dispose() => _renewing.Dispose();

    private sealed record Assertion(string Header, DateTimeOffset Until);

    [LoggerMessage(2101, LogLevel.Error, "Audit refuses the record {Id} as malformed; it is lost")]
    private partial void LogMalformed(Exception exception, string id);

    [LoggerMessage(2102, LogLevel.Warning, "Audit took none of {Count} records: {Status}")]
    private partial void LogAway(StatusCode status, int count);
}
