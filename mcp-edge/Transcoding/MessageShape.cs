using System.Collections.Frozen;
using System.Text.Json;
using Google.Protobuf.Reflection;
using Platform.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Edge.Transcoding;

internal enum FieldKind
{
    String,
    Bool,
    Int32,
    Int64,
    UInt32,
    UInt64,
    SInt32,
    SInt64,
    Fixed32,
    Fixed64,
    SFixed32,
    SFixed64,
    Float,
    Double,
    Enum,
    Bytes,
    Timestamp,
    Json,
    Message,
}

/// <summary>A protobuf message as JSON sees it, prepared once from its descriptor so that a call needs no reflection.</summary>
internal sealed class MessageShape
{
    private FieldShape?[] _byNumber = [];
    private FrozenDictionary<string, FieldShape>.AlternateLookup<ReadOnlySpan<char>> _byName;

    public FieldShape[] Fields { get; private set; } = [];

    /// <summary>Whether text that people wrote can stand anywhere in it.</summary>
    public bool HasUserText { get; private set; }

    public FieldShape? Find(int number) => (uint)number < (uint)_byNumber.Length ? _byNumber[number] : null;

    public FieldShape? Find(ReadOnlySpan<char> jsonName) => _byName.TryGetValue(jsonName, out var field) ? field : null;

    public static MessageShape Of(MessageDescriptor message) => Of(message, []);

    private static MessageShape Of(MessageDescriptor message, Dictionary<MessageDescriptor, MessageShape> known)
    {
        if (known.TryGetValue(message, out var shape))
        {
            return shape;
        }

        shape = known[message] = new MessageShape();
        var fields = message.Fields.InDeclarationOrder();
        shape.Fields = new FieldShape[fields.Count];
        for (var i = 0; i < fields.Count; i++)
        {
            shape.Fields[i] = new FieldShape(fields[i], i, type => Of(type, known));
        }

        shape._byNumber = new FieldShape?[fields.Count == 0 ? 0 : fields.Max(f => f.FieldNumber) + 1];
        foreach (var field in shape.Fields)
        {
            shape._byNumber[field.Number] = field;
        }

        shape._byName = shape.Fields.ToFrozenDictionary(f => f.Name, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        shape.HasUserText = shape.Fields.Any(f => f.IsUserText || f.Kind == FieldKind.Json || f.Message?.HasUserText == true);
        return shape;
    }
}

internal sealed class FieldShape
{
    public FieldShape(FieldDescriptor field, int ordinal, Func<MessageDescriptor, MessageShape> shapeOf)
    {
        var options = field.GetOptions()?.GetExtension(OptionsExtensions.Field);
        Ordinal = ordinal;
        Number = field.FieldNumber;
        Name = field.JsonName;
        EncodedName = JsonEncodedText.Encode(Name);
        IsSecret = options?.Secret == true;
        IsUserText = options?.UserText == true;
        IsAbsentIfEmpty = options?.AbsentIfEmpty == true;
        IsMap = field.IsMap;
        IsRepeated = field.IsRepeated && !field.IsMap;
        HasPresence = field.HasPresence;
        if (IsMap)
        {
            Key = new FieldShape(field.MessageType.FindFieldByNumber(1), 0, shapeOf);
            Value = new FieldShape(field.MessageType.FindFieldByNumber(2), 1, shapeOf);
            Kind = FieldKind.Message;
            IsUserText |= Value.IsUserText || Value.Message?.HasUserText == true;
            return;
        }
        Kind = KindOf(field);
        if (Kind == FieldKind.Message)
        {
            Message = shapeOf(field.MessageType);
        }

        if (Kind == FieldKind.Enum)
        {
            EnumByName = field
                .EnumType.Values.Where(v => v.Number != 0)
                .ToFrozenDictionary(EnumNames.JsonName, v => v.Number, StringComparer.Ordinal);
            EnumByNumber = field
                .EnumType.Values.Where(v => v.Number != 0)
                .DistinctBy(v => v.Number)
                .ToFrozenDictionary(v => v.Number, v => JsonEncodedText.Encode(EnumNames.JsonName(v)));
        }
    }

    /// <summary>The place among the fields of the message, for bookkeeping of what has been seen.</summary>
    public int Ordinal { get; }

    public int Number { get; }

    public string Name { get; }

    public JsonEncodedText EncodedName { get; }

    public FieldKind Kind { get; }

    public bool IsRepeated { get; }

    public bool IsMap { get; }

    public bool HasPresence { get; }

    public bool IsSecret { get; }

    public bool IsUserText { get; }

    /// <summary>Whether a list of this field stands in an answer only when it has entries.</summary>
    public bool IsAbsentIfEmpty { get; }

    public MessageShape? Message { get; }

    public FieldShape? Key { get; }

    public FieldShape? Value { get; }

    public FrozenDictionary<string, int>? EnumByName { get; }

    public FrozenDictionary<int, JsonEncodedText>? EnumByNumber { get; }

    /// <summary>The wire type of one value: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.</summary>
    public int WireType =>
        Kind switch
        {
            FieldKind.Fixed64 or FieldKind.SFixed64 or FieldKind.Double => 1,
            FieldKind.Fixed32 or FieldKind.SFixed32 or FieldKind.Float => 5,
            FieldKind.String or FieldKind.Bytes or FieldKind.Timestamp or FieldKind.Json or FieldKind.Message => 2,
            _ => 0,
        };

    private static FieldKind KindOf(FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.String => FieldKind.String,
            FieldType.Bool => FieldKind.Bool,
            FieldType.Int32 => FieldKind.Int32,
            FieldType.Int64 => FieldKind.Int64,
            FieldType.UInt32 => FieldKind.UInt32,
            FieldType.UInt64 => FieldKind.UInt64,
            FieldType.SInt32 => FieldKind.SInt32,
            FieldType.SInt64 => FieldKind.SInt64,
            FieldType.Fixed32 => FieldKind.Fixed32,
            FieldType.Fixed64 => FieldKind.Fixed64,
            FieldType.SFixed32 => FieldKind.SFixed32,
            FieldType.SFixed64 => FieldKind.SFixed64,
            FieldType.Float => FieldKind.Float,
            FieldType.Double => FieldKind.Double,
            FieldType.Enum => FieldKind.Enum,
            FieldType.Bytes => FieldKind.Bytes,
            FieldType.Message => field.MessageType.FullName switch
            {
                "google.protobuf.Timestamp" => FieldKind.Timestamp,
                "platform.Json" => FieldKind.Json,
                _ => FieldKind.Message,
            },
            _ => throw new InvalidOperationException($"{field.FullName}: fields of type {field.FieldType} have no JSON form here."),
        };
}
