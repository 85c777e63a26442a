using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Schemas;

/// <summary>Statements that make every process read the schema of a table again.</summary>
internal static class Versions
{
    private const string NextVersion =
        "update data.database_table set schema_version = schema_version + 1, updated_at = $2, updated_by = $3 where id = $1";

    // A table knows of each table it links to: its name, the field that names its records, and the choices of that field.
    private const string NextLinked = """
        update data.database_table set schema_version = schema_version + 1
        where id <> $1 and id in (select link_table_id from data.field where table_id = $1 and deleted_at is null)
        """;

    public static Statement Next(WriteTransaction tx, Guid tableId) => new(NextVersion, tableId, tx.Now.UtcDateTime, tx.Call.ActorId);

    public static Statement OfLinked(Guid tableId) => new(NextLinked, tableId);
}
