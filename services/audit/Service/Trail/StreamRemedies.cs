using Platform.Changes.Undo;

namespace Platform.Audit.Service.Trail;

/// <summary>Changes of streams cannot be undone: deliveries cannot be called back, and a replaced secret is not kept.</summary>
internal static class StreamRemedies
{
    public static NoUndo Create() =>
        new(
            new Dictionary<string, string>
            {
                ["create_audit_stream"] = "What it delivered is out. End it with pause_audit_stream or delete_audit_stream.",
                ["update_audit_stream"] = "Set the former values with update_audit_stream; a former secret is kept nowhere.",
                ["test_audit_stream"] = "The test event is out.",
                ["pause_audit_stream"] = "Let it go on with resume_audit_stream.",
                ["resume_audit_stream"] = "Stop it again with pause_audit_stream.",
                ["delete_audit_stream"] = "Its secret is kept nowhere. Make a new one with create_audit_stream.",
            }
        );
}
