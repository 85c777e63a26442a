using Platform.Contracts;

namespace Platform.Data.Service.Fields;

/// <summary>What a link field links to, and where the links are kept.</summary>
/// <param name="TableId">The other table.</param>
/// <param name="TableName">Its name.</param>
/// <param name="QualifiedName">Its name in SQL.</param>
/// <param name="Primary">The field that names its records.</param>
/// <param name="FieldId">The field of the other side.</param>
/// <param name="FieldName">Its name.</param>
/// <param name="IsInverse">Whether the other side keeps the links.</param>
/// <param name="IsSingle">Whether a record of the side that keeps them has at most one.</param>
internal sealed record LinkTarget(
    Guid TableId,
    string TableName,
    string QualifiedName,
    FieldSchema Primary,
    Guid FieldId,
    string FieldName,
    bool IsInverse,
    bool IsSingle
)
{
    /// <summary>The most links of a record that are sent or shown.</summary>
    public const int MaxLinks = 200;

    /// <summary>The column of the other table that keeps the links, where the other side keeps them.</summary>
    public string OtherColumn => FieldSchema.ColumnOf(FieldId);

    /// <summary>Where else links of an inverse side can be changed, for those that cannot be changed here.</summary>
    public string ChangedThere => $"Change {FieldName} of the records in {TableName} ({Ids.Format("tbl", TableId)}).";

    /// <summary>A value of a link field: the ids of the records that it links to.</summary>
    public static string Value(IEnumerable<Guid> ids) => $"{{{string.Join(',', ids)}}}";

    /// <summary>The ids in such a value.</summary>
    public static IEnumerable<Guid> IdsOf(object value) => ((string)value)[1..^1].Split(',').Select(Guid.Parse);
}
