using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Identity.Service.Workspaces;

/// <summary>Calls that did not come in over gRPC with an assertion: identity's own, and those of the governance API.</summary>
internal static class OwnCall
{
    public static Call For(Guid workspace) => By(Caller.ForService("identity", workspace));

    public static Call By(Caller caller) =>
        new()
        {
            CallId = Ids.New().ToString(),
            Caller = caller,
            Definition = null,
            Request = new Empty(),
        };
}
