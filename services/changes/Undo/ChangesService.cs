using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Changes.Undo;

/// <summary>Tasks and undo, as every service that keeps its changes offers them; one file per rpc. README.md explains the words.</summary>
public sealed partial class ChangesService(UnitOfWork work, ServiceIdentity service, IChangeUndo undo)
    : Platform.Changes.Contracts.V1.Changes.ChangesBase;
