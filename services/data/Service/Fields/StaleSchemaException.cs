namespace Platform.Data.Service.Fields;

/// <summary>Thrown when a table turns out to have another schema version than the one that work was prepared for.</summary>
internal sealed class StaleSchemaException : Exception;
