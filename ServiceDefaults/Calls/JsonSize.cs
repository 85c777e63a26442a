using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.ServiceDefaults.Calls;

/// <summary>How many bytes the edge writes for a message as JSON: never fewer than it does, and not many more.</summary>
public static class JsonSize
{
    private const int LongestNumber = 20;
    private const int Moment = 32;
    private const int Escaped = 6;

    private static readonly ConcurrentDictionary<MessageDescriptor, FieldSize[]> _fields = new();

    public static int Of(IMessage message) =>
        message switch
        {
            Json json => Math.Max(json.Utf8.Length, "null".Length),
            Timestamp => Moment,
            _ => 2 + _fields.GetOrAdd(message.Descriptor, FieldsOf).Sum(field => field.In(message)),
        };

    public static int Of(string text)
    {
        if (Ascii.IsValid(text) && !text.AsSpan().ContainsAny('"', '\\') && !text.AsSpan().ContainsAnyInRange('\0', '\x1f'))
        {
            return text.Length + 2;
        }

        var bytes = 2;
        foreach (var character in text)
        {
            bytes += character switch
            {
                '"' or '\\' or '\n' or '\r' or '\t' => 2,
                < ' ' or '\x7f' => Escaped,
                < '\x80' => 1,
                _ when IsEscaped(character) => Escaped,
                < '\x800' => 2,
                _ => 3,
            };
        }

        return bytes;
    }

    // What the relaxed encoder does not let through as it is.
    private static bool IsEscaped(char character) =>
        CharUnicodeInfo.GetUnicodeCategory(character)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.Surrogate
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
                or UnicodeCategory.SpaceSeparator
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;

    private static FieldSize[] FieldsOf(MessageDescriptor message) =>
        [.. message.Fields.InDeclarationOrder().Select(field => new FieldSize(field))];

    private sealed class FieldSize(FieldDescriptor field)
    {
        // Quotes, colon and comma.
        private readonly int _name = field.JsonName.Length + 4;

        private readonly int _longestName =
            field.FieldType == FieldType.Enum ? field.EnumType.Values.Max(value => EnumNames.JsonName(value).Length) + 2 : 0;

        public int In(IMessage message)
        {
            if (field.HasPresence && !field.Accessor.HasValue(message))
            {
                return 0;
            }

            return _name
                + field.Accessor.GetValue(message) switch
                {
                    IDictionary map => 2 + Entries(map),
                    IList list => 2 + list.Cast<object>().Sum(item => Of(item) + 1),
                    var value => Of(value),
                };
        }

        private int Entries(IDictionary map)
        {
            var bytes = 0;
            foreach (DictionaryEntry entry in map)
            {
                bytes += (entry.Key is string key ? JsonSize.Of(key) : LongestNumber + 2) + Of(entry.Value!) + 2;
            }

            return bytes;
        }

        private int Of(object value) =>
            value switch
            {
                string text => JsonSize.Of(text),
                IMessage inner => JsonSize.Of(inner),
                ByteString bytes => bytes.Length * 4 / 3 + 6,
                bool => "false".Length,
                int number => Digits(number),
                long number => Digits(number),
                uint or ulong => LongestNumber,
                float or double => LongestNumber + 5,
                _ => _longestName,
            };

        private static int Digits(long number) =>
            number is >= 0 and < 10 ? 1
            : number is >= 0 and < 10_000 ? 4
            : LongestNumber;
    }
}
