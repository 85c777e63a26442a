using System.Buffers;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;

namespace Platform.Data.Service.Queries;

/// <summary>Turns rows into records. The fields are written as UTF-8 JSON straight from the row, and copied once.</summary>
internal sealed class RecordRows(FieldSelection selection, bool withAuthors = false) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly Utf8JsonWriter _json = new(Stream.Null, JsonText.Options);

    /// <summary>The columns that <see cref="Read"/> expects first, of a table aliased r.</summary>
    public string Columns => string.Join(", ", SystemColumns().Concat(selection.Fields.Select(one => one.Kind.Select("r." + one.Column))));

    public int Count => (withAuthors ? 6 : 4) + selection.Fields.Count;

    public Record Read(NpgsqlDataReader row)
    {
        var record = new Record
        {
            Id = RecordIds.Format(row.GetGuid(0)),
            Version = row.GetInt64(1),
            CreatedAt = Timestamp.FromDateTime(row.GetDateTime(2)),
            UpdatedAt = Timestamp.FromDateTime(row.GetDateTime(3)),
        };
        var ordinal = 4;
        if (withAuthors)
        {
            record.CreatedBy = row.GetString(ordinal++);
            record.UpdatedBy = row.GetString(ordinal++);
        }

        if (selection.Fields.Count > 0)
        {
            record.Fields = new Json { Utf8 = ReadFields(row, ordinal) };
        }

        return record;
    }

    public void Dispose() => _json.Dispose();

    private ByteString ReadFields(NpgsqlDataReader row, int ordinal)
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
        return ByteString.CopyFrom(_buffer.WrittenSpan);
    }

    private IEnumerable<string> SystemColumns() =>
        withAuthors
            ? ["r.id", "r.version", "r.created_at", "r.updated_at", "r.created_by", "r.updated_by"]
            : ["r.id", "r.version", "r.created_at", "r.updated_at"];
}
