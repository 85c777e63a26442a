namespace Platform.Data.Service.Fields;

/// <summary>What an index could do for a field of a search.</summary>
internal enum ShapeUse
{
    /// <summary>Compared with one value.</summary>
    Equal,

    /// <summary>Compared with bounds, or with several values.</summary>
    Range,

    Ascending,
    Descending,
}
