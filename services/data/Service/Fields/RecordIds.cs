using System.Buffers.Binary;
using System.Security.Cryptography;
using Platform.Contracts;

namespace Platform.Data.Service.Fields;

/// <summary>
/// Ids of records: UUIDv7 whose millisecond is the record's creation time, so that the order of ids is the order of creation, also
/// within one call.
/// </summary>
internal static class RecordIds
{
    /// <summary>The creation time that a record made now has: whole milliseconds, like its id.</summary>
    public static DateTime CreationTime(DateTimeOffset now) =>
        new(now.UtcTicks - now.UtcTicks % TimeSpan.TicksPerMillisecond, DateTimeKind.Utc);

    public static Guid[] New(DateTime createdAt, int count)
    {
        var ids = new Guid[count];
        Span<byte> bytes = stackalloc byte[16];
        var milliseconds = (createdAt - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond;
        for (var i = 0; i < count; i++)
        {
            RandomNumberGenerator.Fill(bytes);
            // 18 bits of order: the 12 behind the version, and 6 behind the variant.
            BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << 16 | 0x7000L | (long)(i >> 6 & 0xfff));
            bytes[8] = (byte)(i & 0x3f | 0x80);
            ids[i] = Ids.Made(new Guid(bytes, bigEndian: true));
        }

        return ids;
    }

    /// <summary>The lowest id of records created at or after an instant.</summary>
    public static Guid FirstOf(DateTime instant)
    {
        if (instant <= DateTime.UnixEpoch)
        {
            return Guid.Empty;
        }

        var milliseconds = ((instant - DateTime.UnixEpoch).Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << 16);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>When the record was created, as its id tells: whole milliseconds.</summary>
    public static DateTime MomentOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return DateTime.UnixEpoch.AddMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16);
    }

    public static string Format(Guid id) => Ids.Format("rec", id);
}
