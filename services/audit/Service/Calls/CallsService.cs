using Platform.Audit.Service.Log;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Calls;

/// <summary>Where the edge records the calls that no committed change records.</summary>
[ServicesOnly("edge")]
internal sealed partial class CallsService(Arrivals arrivals, TimeProvider time) : Contracts.V1.Calls.CallsBase;
