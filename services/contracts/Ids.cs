namespace Platform.Contracts;

/// <summary>
/// Ids as the API shows them: TypeID text (https://github.com/jetify-com/typeid), a prefix that names the kind, an underscore and
/// the 128 bits of a UUIDv7 in 26 characters of Crockford base32, such as <c>org_01h455vb4pex5vsknk084sn02q</c>.
/// </summary>
public static class Ids
{
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    // Milliseconds since 1970 and a fraction of 12 bits, as the id made last has them.
    private static long _last;

    // Whoever has to know which ids were made meanwhile, and only in that flow of control.
    private static readonly AsyncLocal<HashSet<Guid>?> _watched = new();

    /// <summary>Collects the ids that this flow of control makes from here on, to the end of the method that asks.</summary>
    public static IReadOnlySet<Guid> Watch() => _watched.Value = [];

    /// <summary>Tells who watches of an id that was made elsewhere.</summary>
    public static Guid Made(Guid id)
    {
        _watched.Value?.Add(id);
        return id;
    }

    /// <summary>
    /// A new UUIDv7 (RFC 9562, method 3: a finer clock in the 12 bits behind the milliseconds). Of two made in this process, the later one
    /// sorts later.
    /// </summary>
    public static Guid New()
    {
        var (milliseconds, rest) = Math.DivRem(DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks, TimeSpan.TicksPerMillisecond);
        var now = (milliseconds << 12) | (rest * 4096 / TimeSpan.TicksPerMillisecond);
        long last,
            next;
        do
        {
            last = Volatile.Read(ref _last);
            next = Math.Max(now, last + 1);
        } while (Interlocked.CompareExchange(ref _last, next, last) != last);

        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, ((ulong)(next >> 12) << 16) | 0x7000 | ((ulong)next & 0xFFF));
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes[8..]);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return Made(new Guid(bytes, bigEndian: true));
    }

    public static string Format(string prefix, Guid id) => string.Create(prefix.Length + 27, (prefix, id), static (text, state) =>
        {
            state.prefix.CopyTo(text);
            text[state.prefix.Length] = '_';
            Span<byte> bytes = stackalloc byte[16];
            state.id.TryWriteBytes(bytes, bigEndian: true, out _);
            var value = new UInt128(
                System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes),
                System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[8..])
            );
            for (var i = text.Length - 1; i > state.prefix.Length; i--)
            {
                text[i] = Alphabet[(int)(value & 31)];
                value >>= 5;
            }
        });

    /// <summary>False when the text has another prefix, another length, or a character outside the alphabet.</summary>
    public static bool TryParse(string prefix, ReadOnlySpan<char> text, out Guid id)
    {
        id = default;
        if (text.Length != prefix.Length + 27 || !text.StartsWith(prefix, StringComparison.Ordinal) || text[prefix.Length] != '_')
        {
            return false;
        }

        var digits = text[(prefix.Length + 1)..];
        if (digits[0] > '7')
        {
            return false;
        }

        UInt128 value = 0;
        foreach (var digit in digits)
        {
            var index = Alphabet.IndexOf(digit, StringComparison.Ordinal);
            if (index < 0)
            {
                return false;
            }

            value = (value << 5) | (uint)index;
        }

        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, (ulong)(value >> 64));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], (ulong)value);
        id = new Guid(bytes, bigEndian: true);
        return true;
    }
}
