using Platform.Contracts;
using Platform.Data.Service.Fields;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Schemas;

/// <summary>A table as it was at one schema version.</summary>
internal sealed class TableSchema
{
    /// <summary>The prefix that tells a field's id from its name.</summary>
    public const string FieldPrefix = "fld_";

    private readonly Dictionary<string, FieldSchema> _byKey = new(StringComparer.Ordinal);

    public TableSchema(Guid workspaceId, Guid environmentId, Guid id, long version, IReadOnlyList<FieldSchema> fields)
    {
        WorkspaceId = workspaceId;
        EnvironmentId = environmentId;
        Id = id;
        Version = version;
        Fields = fields;
        Key = Ids.Format("tbl", id);
        Role = RoleOf(workspaceId);
        QualifiedName = QualifiedNameOf(workspaceId, id);
        foreach (var field in fields)
        {
            _byKey[field.Key] = field;
            _byKey[field.Name] = field;
        }

        // Names that are older than their normalization are found by what a request makes of them.
        foreach (var field in fields)
        {
            _byKey.TryAdd(Nfc.Of(field.Name), field);
        }
    }

    public Guid WorkspaceId { get; }

    public Guid EnvironmentId { get; }

    public Guid Id { get; }

    public long Version { get; }

    public IReadOnlyList<FieldSchema> Fields { get; }

    public required Guid DatabaseId { get; init; }

    public required string Name { get; init; }

    public required string Description { get; init; }

    public required Guid PrimaryFieldId { get; init; }

    public required DateTime CreatedAt { get; init; }

    public required DateTime UpdatedAt { get; init; }

    /// <summary>Whether an undo removed it. Only undo sees such tables.</summary>
    public bool IsRemoved { get; init; }

    /// <summary>By name.</summary>
    public IReadOnlyList<ViewSchema> Views { get; init; } = [];

    /// <summary>As the API names it, <c>tbl_…</c>.</summary>
    public string Key { get; }

    /// <summary>The role that owns the workspace's tables; its schema has the same name.</summary>
    public string Role { get; }

    public string QualifiedName { get; }

    public FieldSchema PrimaryField => Fields.First(one => one.Id == PrimaryFieldId);

    public static string RoleOf(Guid workspaceId) => $"ws_{workspaceId:n}";

    public static string QualifiedNameOf(Guid workspaceId, Guid tableId) => $"{RoleOf(workspaceId)}.{Ids.Format("t", tableId)}";

    /// <summary>A field of the user's, by id or exact name.</summary>
    public FieldSchema? Find(string idOrName) => _byKey.GetValueOrDefault(idOrName) ?? _byKey.GetValueOrDefault(Nfc.Of(idOrName));

    /// <summary>The same, or what every record has: id, createdAt, updatedAt, …</summary>
    public FieldSchema? FindAny(string idOrName) => Find(idOrName) ?? SystemFields.Find(idOrName);

    /// <summary>A view by id or exact name.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: there is none.</exception>
    public ViewSchema FindView(string idOrName) =>
        Views.FirstOrDefault(view => view.Key == idOrName || view.Name == idOrName)
        ?? Views.FirstOrDefault(view => Nfc.Of(view.Name) == idOrName)
        ?? throw Problem.Invalid(
            "view",
            $"{idOrName} is not a view of the table",
            Views.Count == 0
                ? "The table has none; leave it out, or use create_view."
                : $"Use one of: {string.Join(", ", Views.Select(view => view.Name))}."
        );

    /// <summary>The fix for a caller who named an unknown field.</summary>
    public string KnownFields(bool withSystem) =>
        "Use one of: "
        + string.Join(", ", Fields.Select(field => field.Name).Take(60).Concat(withSystem ? SystemFields.Names : []))
        + (Fields.Count > 60 ? ", … (see list_fields)." : ".");

    public Contracts.V1.Table ToTable()
    {
        var table = new Contracts.V1.Table
        {
            Id = Key,
            DatabaseId = Ids.Format("db", DatabaseId),
            Name = Name,
            Description = Description,
            PrimaryFieldId = Ids.Format("fld", PrimaryFieldId),
            FieldCount = Fields.Count,
            CreatedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(CreatedAt),
            UpdatedAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(UpdatedAt),
        };
        var page = Page.Of(table.Fields, Fields.Count);
        if (!Fields.All(field => page.TryAdd(field.ToAnswer(), () => "")))
        {
            table.HasMoreFields = true;
        }

        return table;
    }
}
