using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Platform.Edge.Transcoding;

/// <summary>
/// Writes a protobuf answer as JSON, straight from the wire. Secrets stop here: of a secret field only whether it is set goes on.
/// Numbers, booleans and lists stand in the answer even when they are zero, false or empty, because a model reads absence as doubt. Where
/// nothing is known, the contract says that they are absent: a model reads an empty list as "none".
/// </summary>
internal static partial class AnswerDecoder
{
    private static readonly JsonWriterOptions _options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 128 };

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    public static PooledBuffer Decode(ReadOnlySequence<byte> wire, MessageShape shape)
    {
        var length = (int)wire.Length;
        var json = new PooledBuffer(Math.Max(256, length + length / 2));
        var writer = _writer ?? new Utf8JsonWriter(json, _options);
        _writer = null;
        try
        {
            writer.Reset(json);
            if (wire.IsSingleSegment)
            {
                WriteMessage(wire.FirstSpan, shape, writer);
            }
            else
            {
                var bytes = ArrayPool<byte>.Shared.Rent(length);
                wire.CopyTo(bytes);
                WriteMessage(bytes.AsSpan(0, length), shape, writer);
                ArrayPool<byte>.Shared.Return(bytes);
            }
            writer.Flush();
            _writer = writer;
            return json;
        }
        catch
        {
            json.Dispose();
            throw;
        }
    }

    private static void WriteMessage(ReadOnlySpan<byte> wire, MessageShape shape, Utf8JsonWriter json)
    {
        Span<bool> seen = stackalloc bool[shape.Fields.Length];
        seen.Clear();
        json.WriteStartObject();
        while (!wire.IsEmpty)
        {
            var tag = ReadTag(ref wire);
            var field = shape.Find(tag >> 3);
            if (field is null)
            {
                Skip(ref wire, tag & 7);
                continue;
            }
            // Our services write the values of a list side by side. A field that comes back would have to be merged into what is written.
            if (seen[field.Ordinal])
            {
                throw new InvalidDataException($"The field {field.Name} comes twice.");
            }

            seen[field.Ordinal] = true;
            WriteField(ref wire, tag, field, json);
        }
        for (var i = 0; i < seen.Length; i++)
        {
            if (!seen[i])
            {
                WriteAbsent(shape.Fields[i], json);
            }
        }
        json.WriteEndObject();
    }

    private static void WriteAbsent(FieldShape field, Utf8JsonWriter json)
    {
        if (field.IsSecret)
        {
            WriteSecret(field, false, json);
        }
        else if (field.HasPresence || field.IsMap || field.IsAbsentIfEmpty)
        {
            return;
        }
        else if (field.IsRepeated)
        {
            json.WriteStartArray(field.EncodedName);
            json.WriteEndArray();
        }
        else if (field.Kind == FieldKind.Bool)
        {
            json.WriteBoolean(field.EncodedName, false);
        }
        else if (field.Kind is not (FieldKind.String or FieldKind.Bytes or FieldKind.Enum))
        {
            json.WriteNumber(field.EncodedName, 0);
        }
    }

    private static void WriteSecret(FieldShape field, bool isSet, Utf8JsonWriter json)
    {
        json.WriteStartObject(field.EncodedName);
        json.WriteBoolean("isSet"u8, isSet);
        json.WriteEndObject();
    }

    private static void WriteField(scoped ref ReadOnlySpan<byte> wire, int tag, FieldShape field, Utf8JsonWriter json)
    {
        if (field.IsSecret)
        {
            SkipAll(ref wire, tag);
            WriteSecret(field, true, json);
        }
        else if (field.IsMap)
        {
            json.WriteStartObject(field.EncodedName);
            WriteEntries(ref wire, tag, field, json);
            json.WriteEndObject();
        }
        else if (field.IsRepeated)
        {
            json.WriteStartArray(field.EncodedName);
            WriteItems(ref wire, tag, field, json);
            json.WriteEndArray();
        }
        else if (field.Kind == FieldKind.Enum)
        {
            if (field.EnumByNumber!.TryGetValue((int)ReadVarint(ref wire), out var name))
            {
                json.WriteString(field.EncodedName, name);
            }
        }
        else
        {
            json.WritePropertyName(field.EncodedName);
            WriteValue(ref wire, field, json);
        }
    }

    private static void SkipAll(scoped ref ReadOnlySpan<byte> wire, int tag)
    {
        do
        {
            Skip(ref wire, tag & 7);
        } while (TryReadSameTag(ref wire, tag));
    }

    private static void WriteItems(scoped ref ReadOnlySpan<byte> wire, int tag, FieldShape field, Utf8JsonWriter json)
    {
        do
        {
            if ((tag & 7) == 2 && field.WireType != 2)
            {
                var packed = ReadBytes(ref wire);
                while (!packed.IsEmpty)
                {
                    WriteItem(ref packed, field, json);
                }
            }
            else
            {
                WriteItem(ref wire, field, json);
            }
        } while (TryReadSameTag(ref wire, tag));
    }

    private static void WriteItem(scoped ref ReadOnlySpan<byte> wire, FieldShape field, Utf8JsonWriter json)
    {
        if (field.Kind != FieldKind.Enum)
        {
            WriteValue(ref wire, field, json);
            return;
        }
        if (field.EnumByNumber!.TryGetValue((int)ReadVarint(ref wire), out var name))
        {
            json.WriteStringValue(name);
        }
    }

    private static void WriteEntries(scoped ref ReadOnlySpan<byte> wire, int tag, FieldShape field, Utf8JsonWriter json)
    {
        do
        {
            var entry = ReadBytes(ref wire);
            WriteEntry(entry, field, json);
        } while (TryReadSameTag(ref wire, tag));
    }

    private static void WriteEntry(ReadOnlySpan<byte> entry, FieldShape field, Utf8JsonWriter json)
    {
        ReadOnlySpan<byte> key = default;
        ReadOnlySpan<byte> value = default;
        var number = 0UL;
        var hasValue = false;
        while (!entry.IsEmpty)
        {
            var tag = ReadTag(ref entry);
            if (tag >> 3 == 1 && field.Key!.Kind == FieldKind.String)
            {
                key = ReadBytes(ref entry);
            }
            else if (tag >> 3 == 1)
            {
                number = ReadVarint(ref entry);
            }
            else
            {
                value = Take(ref entry, tag & 7);
                hasValue = true;
            }
        }
        if (field.Key!.Kind == FieldKind.String)
        {
            json.WritePropertyName(key);
        }
        else
        {
            json.WritePropertyName(((long)number).ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        if (hasValue)
        {
            WriteItem(ref value, field.Value!, json);
        }
        else if (field.Value!.Kind == FieldKind.String)
        {
            json.WriteStringValue(""u8);
        }
        else if (field.Value.Kind == FieldKind.Bool)
        {
            json.WriteBooleanValue(false);
        }
        else if (field.Value.WireType == 2)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteNumberValue(0);
        }
    }

    private static void WriteValue(scoped ref ReadOnlySpan<byte> wire, FieldShape field, Utf8JsonWriter json)
    {
        switch (field.Kind)
        {
            case FieldKind.String:
                json.WriteStringValue(ReadBytes(ref wire));
                break;
            case FieldKind.Bool:
                json.WriteBooleanValue(ReadVarint(ref wire) != 0);
                break;
            case FieldKind.Int32:
                json.WriteNumberValue((int)ReadVarint(ref wire));
                break;
            case FieldKind.Int64:
                json.WriteNumberValue((long)ReadVarint(ref wire));
                break;
            case FieldKind.UInt32:
                json.WriteNumberValue((uint)ReadVarint(ref wire));
                break;
            case FieldKind.UInt64:
                json.WriteNumberValue(ReadVarint(ref wire));
                break;
            case FieldKind.SInt32 or FieldKind.SInt64:
                var zigzag = ReadVarint(ref wire);
                json.WriteNumberValue((long)(zigzag >> 1) ^ -(long)(zigzag & 1));
                break;
            case FieldKind.Fixed32:
                json.WriteNumberValue(BinaryPrimitives.ReadUInt32LittleEndian(Read(ref wire, 4)));
                break;
            case FieldKind.SFixed32:
                json.WriteNumberValue(BinaryPrimitives.ReadInt32LittleEndian(Read(ref wire, 4)));
                break;
            case FieldKind.Fixed64:
                json.WriteNumberValue(BinaryPrimitives.ReadUInt64LittleEndian(Read(ref wire, 8)));
                break;
            case FieldKind.SFixed64:
                json.WriteNumberValue(BinaryPrimitives.ReadInt64LittleEndian(Read(ref wire, 8)));
                break;
            case FieldKind.Float:
                WriteNumber(BinaryPrimitives.ReadSingleLittleEndian(Read(ref wire, 4)), json);
                break;
            case FieldKind.Double:
                WriteNumber(BinaryPrimitives.ReadDoubleLittleEndian(Read(ref wire, 8)), json);
                break;
            case FieldKind.Bytes:
                json.WriteBase64StringValue(ReadBytes(ref wire));
                break;
            case FieldKind.Timestamp:
                WriteTimestamp(ReadBytes(ref wire), json);
                break;
            case FieldKind.Json:
                WriteRaw(ReadBytes(ref wire), json);
                break;
            case FieldKind.Message:
                WriteMessage(ReadBytes(ref wire), field.Message!, json);
                break;
            default:
                throw new InvalidDataException($"The field {field.Name} cannot be shown.");
        }
    }

    // JSON has no word for these.
    private static void WriteNumber(double number, Utf8JsonWriter json)
    {
        if (double.IsFinite(number))
        {
            json.WriteNumberValue(number);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private static void WriteTimestamp(ReadOnlySpan<byte> wire, Utf8JsonWriter json)
    {
        var seconds = 0L;
        var nanos = 0L;
        while (!wire.IsEmpty)
        {
            var tag = ReadTag(ref wire);
            var value = (long)ReadVarint(ref wire);
            if (tag >> 3 == 1)
            {
                seconds = value;
            }
            else
            {
                nanos = value;
            }
        }
        json.WriteStringValue(DateTime.UnixEpoch.AddTicks(seconds * TimeSpan.TicksPerSecond + nanos / 100));
    }

    private static void WriteRaw(ReadOnlySpan<byte> wire, Utf8JsonWriter json)
    {
        ReadOnlySpan<byte> utf8 = default;
        while (!wire.IsEmpty)
        {
            var tag = ReadTag(ref wire);
            if (tag >> 3 == 1)
            {
                utf8 = ReadBytes(ref wire);
            }
            else
            {
                Skip(ref wire, tag & 7);
            }
        }
        if (utf8.IsEmpty)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteRawValue(utf8);
        }
    }
}
