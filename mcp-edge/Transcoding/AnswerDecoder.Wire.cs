namespace Platform.Edge.Transcoding;

// How values lie on the wire: https://protobuf.dev/programming-guides/encoding/
internal static partial class AnswerDecoder
{
    private static bool TryReadSameTag(scoped ref ReadOnlySpan<byte> wire, int tag)
    {
        var ahead = wire;
        if (ahead.IsEmpty || ReadTag(ref ahead) != tag)
        {
            return false;
        }

        wire = ahead;
        return true;
    }

    private static int ReadTag(scoped ref ReadOnlySpan<byte> wire) => (int)ReadVarint(ref wire);

    private static ulong ReadVarint(scoped ref ReadOnlySpan<byte> wire)
    {
        var value = 0UL;
        for (var i = 0; i < 10 && i < wire.Length; i++)
        {
            value |= (ulong)(wire[i] & 127) << (7 * i);
            if (wire[i] < 128)
            {
                wire = wire[(i + 1)..];
                return value;
            }
        }
        throw new InvalidDataException("A number in the answer is cut off.");
    }

    private static ReadOnlySpan<byte> ReadBytes(scoped ref ReadOnlySpan<byte> wire) => Read(ref wire, ReadVarint(ref wire));

    private static ReadOnlySpan<byte> Read(scoped ref ReadOnlySpan<byte> wire, ulong length)
    {
        if (length > (ulong)wire.Length)
        {
            throw new InvalidDataException("The answer is cut off.");
        }

        var bytes = wire[..(int)length];
        wire = wire[(int)length..];
        return bytes;
    }

    /// <summary>The bytes of one value of a wire type, its length included where <see cref="WriteValue"/> expects one.</summary>
    private static ReadOnlySpan<byte> Take(scoped ref ReadOnlySpan<byte> wire, int wireType)
    {
        var before = wire;
        Skip(ref wire, wireType);
        return before[..(before.Length - wire.Length)];
    }

    private static void Skip(scoped ref ReadOnlySpan<byte> wire, int wireType)
    {
        switch (wireType)
        {
            case 0:
                ReadVarint(ref wire);
                break;
            case 1:
                Read(ref wire, 8);
                break;
            case 2:
                ReadBytes(ref wire);
                break;
            case 5:
                Read(ref wire, 4);
                break;
            default:
                throw new InvalidDataException($"The wire type {wireType} has no meaning.");
        }
    }
}
