using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Values;

/// <summary>What the directory does by itself: seeding, mails, invitations that their addressee accepts.</summary>
internal static class OwnCall
{
    public static Call In(Guid workspace, Guid? environment) =>
        new()
        {
            CallId = Ids.New().ToString(),
            Caller = Caller.ForService("directory", workspace, environment),
            Definition = null,
            Request = new Empty(),
        };
}
