namespace Platform.Edge.Lookups;

/// <summary>What the values of a template's variable or a prompt's argument are, where they can be told in advance.</summary>
internal enum Completable
{
    /// <summary>Anything; nothing is proposed.</summary>
    Anything,

    /// <summary>Names of tools that the caller can use.</summary>
    Tool,

    /// <summary>Names of environments within the caller's reach.</summary>
    Environment,

    /// <summary>Ids of tables, found by a part of their name.</summary>
    TableId,

    /// <summary>Names of tables, found by a part of them.</summary>
    TableName,

    /// <summary>Names of organizations, found by a part of them.</summary>
    OrganizationName,
}
