using System.Buffers;
using System.Data;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;

namespace Platform.Data.Service.Queries;

/// <summary>Turns rows into records. The fields are written as UTF-8 JSON straight from the row, and copied once.</summary>
/// <param name="selection">Which fields.</param>
/// <param name="withAuthors">Whether to say who created and changed the record.</param>
/// <param name="whole">Whether even a record that is larger than an answer has all its fields.</param>
internal sealed class RecordRows(FieldSelection selection, bool withAuthors = false, bool whole = false) : IDisposable
{
    // These stand first, and are read by name. Expressions of fields have no names of their own: they follow in order.
    private readonly string[] _systemColumns = withAuthors
        ? ["r.id", "r.version", "r.created_at", "r.updated_at", "r.created_by", "r.updated_by"]
        : ["r.id", "r.version", "r.created_at", "r.updated_at"];

    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly Utf8JsonWriter _json = new(Stream.Null, JsonText.Options);

    /// <summary>The columns that <see cref="Read"/> expects first, of a table aliased r.</summary>
    public string Columns => string.Join(", ", _systemColumns.Concat(selection.Fields.Select(one => one.Kind.Select("r." + one.Column))));

    public int Count => _systemColumns.Length + selection.Fields.Count;

    public Record Read(NpgsqlDataReader row)
    {
        var record = new Record
        {
            Id = RecordIds.Format(row.GetGuid("id")),
            Version = row.GetInt64("version"),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime("created_at")),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime("updated_at")),
        };
        if (withAuthors)
        {
            record.CreatedBy = row.GetString("created_by");
            record.UpdatedBy = row.GetString("updated_by");
        }

        if (selection.Fields.Count > 0)
        {
            ReadFields(row, _systemColumns.Length);
            record.Fields = new Json
            {
                Utf8 = whole ? ByteString.CopyFrom(_buffer.WrittenSpan) : FittingFields.Of(_buffer, record.LeftOut),
            };
        }

        return record;
    }

    public void Dispose() => _json.Dispose();

    private void ReadFields(NpgsqlDataReader row, int ordinal)
    {
        _buffer.ResetWrittenCount();
        _json.Reset(_buffer);
        _json.WriteStartObject();
        foreach (var field in selection.Fields)
        {
            _json.WritePropertyName(selection.ByName ? field.EncodedName : field.EncodedKey);
            if (row.IsDBNull(ordinal))
            {
                _json.WriteNullValue();
            }
            else
            {
                field.Kind.Write(_json, row, ordinal, field);
            }

            ordinal++;
        }

        _json.WriteEndObject();
        _json.Flush();
    }
}
