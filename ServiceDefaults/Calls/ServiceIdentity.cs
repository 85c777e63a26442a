namespace Platform.ServiceDefaults.Calls;

/// <summary>The name of this service, such as <c>directory</c>: its database, its roles, the audience of assertions for it.</summary>
public sealed record ServiceIdentity(string Name)
{
    /// <summary>The login role of the running service. It cannot bypass row-level security.</summary>
    public string AppRole => $"{Name}_app";

    /// <summary>Reads the outbox across workspaces.</summary>
    public string RelayRole => $"{Name}_relay";

    /// <summary>Owns the schema and migrates it.</summary>
    public string OwnerRole => $"{Name}_owner";

    /// <summary>A role for work of one kind, such as <c>audit_sequencer</c>.</summary>
    public string Role(string work) => $"{Name}_{work}";
}
