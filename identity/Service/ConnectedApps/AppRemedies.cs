using Platform.Changes.Undo;

namespace Platform.Identity.Service.ConnectedApps;

/// <summary>A consent is its person's to give: nobody gives it back for them.</summary>
internal static class AppRemedies
{
    public static NoUndo Create() =>
        new(new Dictionary<string, string> { ["revoke_connected_app"] = "Only the person can agree again: sign in from the app." });
}
