using Google.Protobuf.Reflection;

namespace Platform.Contracts.Catalogue;

/// <summary>
/// Enum values as JSON shows them: lower_snake, without the prefix that proto style repeats (<c>FIELD_TYPE_LONG_TEXT</c> is
/// <c>long_text</c>).
/// </summary>
public static class EnumNames
{
    public static string JsonName(EnumValueDescriptor value)
    {
        var prefix = System.Text.Json.JsonNamingPolicy.SnakeCaseUpper.ConvertName(value.EnumDescriptor.Name) + "_";
        var name = value.Name.StartsWith(prefix, StringComparison.Ordinal) ? value.Name[prefix.Length..] : value.Name;
#pragma warning disable CA1308 // The API's spelling is lower case.
        return name.ToLowerInvariant();
#pragma warning restore CA1308
    }

    public static EnumValueDescriptor? Find(EnumDescriptor type, string jsonName) =>
        type.Values.FirstOrDefault(value => value.Number != 0 && JsonName(value) == jsonName);
}
