namespace Platform.Data.Service.Fields;

/// <summary>What every record has beside its fields, under the names that filters and sorting use.</summary>
internal static class SystemFields
{
    private const int MaxActor = 100;

    public static readonly FieldSchema Id = new(Guid.Empty, "id", RecordIdKind.Instance, "id");

    private static readonly Dictionary<string, FieldSchema> _byName = new FieldSchema[]
    {
        Id,
        new(Guid.Empty, "version", NumberKind.Instance, "version"),
        new(Guid.Empty, "createdAt", CreatedAtKind.Instance, "created_at"),
        new(Guid.Empty, "updatedAt", InstantKind.Instance, "updated_at"),
        new(Guid.Empty, "createdBy", TextKind.Text, "created_by") { MaxLength = MaxActor },
        new(Guid.Empty, "updatedBy", TextKind.Text, "updated_by") { MaxLength = MaxActor },
    }.ToDictionary(field => field.Name, StringComparer.Ordinal);

    public static IReadOnlyCollection<string> Names => _byName.Keys;

    public static FieldSchema? Find(string name) => _byName.GetValueOrDefault(name);
}
