using System.Collections;
using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Calls;

/// <summary>
/// Unicode's composed form (NFC, https://unicode.org/reports/tr15/). Keyboards and files write é as one character or as two; here both are
/// one text wherever texts are compared, because everything is kept in this form.
/// </summary>
public static class Nfc
{
    private static readonly ConcurrentDictionary<MessageDescriptor, FieldDescriptor[]> _fields = new();

    /// <param name="text">Whole characters: no half of a surrogate pair.</param>
    public static string Of(string text) =>
        !text.AsSpan().ContainsAnyInRange('\u0300', '\uffff') || text.IsNormalized() ? text : text.Normalize();

    /// <summary>Brings every text of a request into the form. Secrets stay as they are, and JSON is for its owner.</summary>
    public static void Apply(IMessage request)
    {
        foreach (var field in _fields.GetOrAdd(request.Descriptor, FieldsOf))
        {
            switch (field.Accessor.GetValue(request))
            {
                case string text when !ReferenceEquals(Of(text), text):
                    field.Accessor.SetValue(request, Of(text));
                    break;
                case IMessage inner when inner is not Json:
                    Apply(inner);
                    break;
                case IDictionary map when field.MessageType.FindFieldByNumber(2).FieldType == FieldType.String:
                    Apply(map);
                    break;
                case IList list when field.FieldType == FieldType.String:
                    for (var i = 0; i < list.Count; i++)
                    {
                        list[i] = Of((string)list[i]!);
                    }

                    break;
                case IList list when field is { FieldType: FieldType.Message, IsMap: false }:
                    foreach (IMessage item in list)
                    {
                        Apply(item);
                    }

                    break;
            }
        }
    }

    // Those that can hold text.
    private static FieldDescriptor[] FieldsOf(MessageDescriptor message) =>
        [
            .. message
                .Fields.InDeclarationOrder()
                .Where(field =>
                    field.FieldType is FieldType.String or FieldType.Message
                    && field.GetOptions()?.GetExtension(OptionsExtensions.Field)?.Secret != true
                ),
        ];

    private static void Apply(IDictionary map)
    {
        foreach (var (key, value) in map.Keys.Cast<object>().Select(key => (key, (string)map[key]!)).ToList())
        {
            map.Remove(key);
            map[key is string text ? Of(text) : key] = Of(value);
        }
    }
}
