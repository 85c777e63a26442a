using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Platform.Edge.Transcoding;

/// <summary>Writes the arguments of a call as the protobuf request of its rpc, straight from the parsed body to the wire.</summary>
internal static class RequestEncoder
{
    /// <summary>
    /// The arguments have passed their schema; what only the wire type can tell is added to <paramref name="violations"/>.
    /// </summary>
    public static void Encode(JsonElement arguments, MessageShape shape, PooledBuffer wire, Violations violations)
    {
        if (arguments.ValueKind == JsonValueKind.Object)
        {
            WriteMessage(arguments, shape, wire, "", violations);
        }
    }

    private static void WriteMessage(JsonElement json, MessageShape shape, PooledBuffer wire, string path, Violations violations)
    {
        foreach (var property in json.EnumerateObject())
        {
            // What is no field of the request is a shared argument: the schema has refused everything else.
            if (property.Value.ValueKind == JsonValueKind.Null || shape.Find(property.Name) is not { } field)
            {
                continue;
            }

            if (field.IsMap)
            {
                foreach (var entry in property.Value.EnumerateObject())
                {
                    WriteEntry(entry, field, wire, path, violations);
                }
            }
            else if (field.IsRepeated)
            {
                var index = 0;
                foreach (var item in property.Value.EnumerateArray())
                {
                    WriteField(item, field, wire, path, index++, violations);
                }
            }
            else
            {
                WriteField(property.Value, field, wire, path, -1, violations);
            }
        }
    }

    private static void WriteEntry(JsonProperty entry, FieldShape field, PooledBuffer wire, string path, Violations violations)
    {
        WriteTag(wire, field.Number, 2);
        var start = wire.Length;
        if (field.Key!.Kind == FieldKind.String)
        {
            WriteTag(wire, 1, 2);
            WriteText(entry.Name, wire);
        }
        else if (long.TryParse(entry.Name, out var number))
        {
            WriteTag(wire, 1, 0);
            WriteVarint(wire, (ulong)number);
        }
        else
        {
            violations.Add(Path(path, field, -1), $"has the key '{entry.Name}', which is not an integer", "Use integers as keys.");
        }
        WriteField(entry.Value, field.Value!, wire, Path(path, field, -1) + ".", -1, violations);
        EndNested(wire, start);
    }

    private static void WriteField(JsonElement value, FieldShape field, PooledBuffer wire, string path, int index, Violations violations)
    {
        WriteTag(wire, field.Number, field.WireType);
        switch (field.Kind)
        {
            case FieldKind.String:
                WriteString(value, wire);
                break;
            case FieldKind.Bool:
                WriteVarint(wire, value.GetBoolean() ? 1UL : 0UL);
                break;
            case FieldKind.Int32 when Integer(value) is >= int.MinValue and <= int.MaxValue and var number:
                WriteVarint(wire, (ulong)number);
                break;
            case FieldKind.Int64 when Integer(value) is { } number:
                WriteVarint(wire, (ulong)number);
                break;
            case FieldKind.UInt32 when Integer(value) is >= 0 and <= uint.MaxValue and var number:
                WriteVarint(wire, (ulong)number);
                break;
            case FieldKind.UInt64 when value.TryGetUInt64(out var number):
                WriteVarint(wire, number);
                break;
            case FieldKind.SInt32 when Integer(value) is >= int.MinValue and <= int.MaxValue and var number:
                WriteVarint(wire, (ulong)((number << 1) ^ (number >> 63)));
                break;
            case FieldKind.SInt64 when Integer(value) is { } number:
                WriteVarint(wire, (ulong)((number << 1) ^ (number >> 63)));
                break;
            case FieldKind.Fixed32 when Integer(value) is >= 0 and <= uint.MaxValue and var number:
                BinaryPrimitives.WriteUInt32LittleEndian(wire.GetSpan(4), (uint)number);
                wire.Advance(4);
                break;
            case FieldKind.SFixed32 when Integer(value) is >= int.MinValue and <= int.MaxValue and var number:
                BinaryPrimitives.WriteInt32LittleEndian(wire.GetSpan(4), (int)number);
                wire.Advance(4);
                break;
            case FieldKind.Fixed64 when value.TryGetUInt64(out var number):
                BinaryPrimitives.WriteUInt64LittleEndian(wire.GetSpan(8), number);
                wire.Advance(8);
                break;
            case FieldKind.SFixed64 when Integer(value) is { } number:
                BinaryPrimitives.WriteInt64LittleEndian(wire.GetSpan(8), number);
                wire.Advance(8);
                break;
            case FieldKind.Double:
                BinaryPrimitives.WriteDoubleLittleEndian(wire.GetSpan(8), value.GetDouble());
                wire.Advance(8);
                break;
            case FieldKind.Float:
                BinaryPrimitives.WriteSingleLittleEndian(wire.GetSpan(4), (float)value.GetDouble());
                wire.Advance(4);
                break;
            case FieldKind.Enum when field.EnumByName!.TryGetValue(value.GetString()!, out var number):
                WriteVarint(wire, (ulong)number);
                break;
            case FieldKind.Bytes when value.TryGetBytesFromBase64(out var bytes):
                WriteBytes(bytes, wire);
                break;
            case FieldKind.Timestamp when Rfc3339.TryParse(value.GetString()!, out var instant):
                WriteTimestamp(instant, wire);
                break;
            case FieldKind.Json:
                var raw = JsonMarshal.GetRawUtf8Value(value);
                var json = wire.Length;
                WriteTag(wire, 1, 2);
                WriteBytes(raw, wire);
                EndNested(wire, json);
                break;
            case FieldKind.Message:
                var start = wire.Length;
                WriteMessage(value, field.Message!, wire, Path(path, field, index) + ".", violations);
                EndNested(wire, start);
                break;
            default:
                violations.Add(Path(path, field, index), $"cannot be read as {Expected(field.Kind)}", $"Send {Expected(field.Kind)}.");
                break;
        }
    }

    private static string Path(string path, FieldShape field, int index) => index < 0 ? path + field.Name : $"{path}{field.Name}[{index}]";

    private static string Expected(FieldKind kind) =>
        kind switch
        {
            FieldKind.Bytes => "base64",
            FieldKind.Timestamp => "an RFC 3339 instant with an offset",
            FieldKind.Enum => "one of the allowed values",
            FieldKind.Int64 or FieldKind.SInt64 or FieldKind.SFixed64 or FieldKind.UInt64 or FieldKind.Fixed64 => "a 64-bit integer",
            _ => "a 32-bit integer",
        };

    private static long? Integer(JsonElement value) =>
        value.TryGetInt64(out var number) ? number
        : value.TryGetDouble(out var real) && double.IsInteger(real) && Math.Abs(real) < 9e15 ? (long)real
        : null;

    private static void WriteString(JsonElement value, PooledBuffer wire)
    {
        var raw = JsonMarshal.GetRawUtf8Value(value)[1..^1];
        if (raw.Contains((byte)'\\'))
        {
            WriteText(value.GetString()!, wire);
        }
        else
        {
            WriteBytes(raw, wire);
        }
    }

    private static void WriteText(string text, PooledBuffer wire)
    {
        WriteVarint(wire, (ulong)Encoding.UTF8.GetByteCount(text));
        wire.Advance(Encoding.UTF8.GetBytes(text, wire.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
    }

    private static void WriteBytes(ReadOnlySpan<byte> bytes, PooledBuffer wire)
    {
        WriteVarint(wire, (ulong)bytes.Length);
        wire.Write(bytes);
    }

    private static void WriteTimestamp(DateTimeOffset instant, PooledBuffer wire)
    {
        var start = wire.Length;
        var ticks = instant.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        if (rest < 0)
        {
            rest += TimeSpan.TicksPerSecond;
            seconds--;
        }
        WriteTag(wire, 1, 0);
        WriteVarint(wire, (ulong)seconds);
        WriteTag(wire, 2, 0);
        WriteVarint(wire, (ulong)(rest * 100));
        EndNested(wire, start);
    }

    private static void WriteTag(PooledBuffer wire, int number, int wireType) => WriteVarint(wire, (ulong)((number << 3) | wireType));

    private static void WriteVarint(PooledBuffer wire, ulong value)
    {
        var span = wire.GetSpan(10);
        wire.Advance(PutVarint(span, value));
    }

    private static int PutVarint(Span<byte> span, ulong value)
    {
        var count = 0;
        while (value > 127)
        {
            span[count++] = (byte)(value | 128);
            value >>= 7;
        }
        span[count++] = (byte)value;
        return count;
    }

    // A nested message stands behind its length, which is known once it is written: it is moved up to make room.
    private static void EndNested(PooledBuffer wire, int start)
    {
        Span<byte> prefix = stackalloc byte[10];
        var length = wire.Length - start;
        prefix = prefix[..PutVarint(prefix, (ulong)length)];
        wire.GetSpan(prefix.Length);
        wire.Advance(prefix.Length);
        var nested = wire.Writable[start..];
        nested[..length].CopyTo(nested[prefix.Length..]);
        prefix.CopyTo(nested);
    }
}
