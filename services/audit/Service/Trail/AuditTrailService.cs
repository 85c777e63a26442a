using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Log;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Trail;

/// <summary>The toolset <c>audit</c>; one file per rpc.</summary>
internal sealed partial class AuditTrailService(
    UnitOfWork work,
    StreamSecrets secrets,
    StreamChanges changes,
    SinkSet sinks,
    LogSignal streamsChanged,
    TimeProvider time
) : AuditTrail.AuditTrailBase;
