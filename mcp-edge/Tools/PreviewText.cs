using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Platform.Edge.Tools;

/// <summary>
/// A preview in words for a person: <c>Organization: «Acme» (org_1). Domains: 2.</c> What people wrote stands in quotes, on one line.
/// </summary>
internal static class PreviewText
{
    private const int MaxText = 80;
    private const int MaxItems = 5;
    private const int MaxLength = 2000;

    public static string Of(ReadOnlyMemory<byte> preview)
    {
        var root = preview.IsEmpty ? default : JsonElement.Parse(preview.Span);
        if (root.ValueKind != JsonValueKind.Object)
        {
            return "";
        }

        var text = string.Join(' ', root.EnumerateObject().Select(Sentence).Where(sentence => sentence.Length > 0));
        return text.Length > MaxLength ? text[..MaxLength] + "…" : text;
    }

    private static string Sentence(JsonProperty member)
    {
        var value = Value(member.Value);
        return value.Length == 0 ? "" : $"{Words(member.Name, isFirst: true)}: {value}.";
    }

    private static string Value(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => Text(value.GetString()!),
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.True => "yes",
            JsonValueKind.False => "no",
            JsonValueKind.Array => List(value),
            JsonValueKind.Object => Thing(value),
            _ => "",
        };

    private static string List(JsonElement list)
    {
        var count = list.GetArrayLength();
        var shown = string.Join("; ", list.EnumerateArray().Take(MaxItems).Select(Value).Where(item => item.Length > 0));
        return count > MaxItems ? $"{shown}; and {count - MaxItems} more" : shown;
    }

    // What names a thing comes first: its name and, in brackets, its id.
    private static string Thing(JsonElement thing)
    {
        var members = thing.EnumerateObject().ToList();
        var name = members.Find(member => IsNamed(member, "name") || IsNamed(member, "email") || IsNamed(member, "label"));
        var id = members.Find(member => IsNamed(member, "id"));
        var head = (Given(name), Given(id)) switch
        {
            ({ } called, { } number) => $"{called} ({number})",
            ({ } called, null) => called,
            (null, { } number) => number,
            _ => "",
        };
        var rest = members
            .Where(member => member.Name != name.NameOrNull() && member.Name != id.NameOrNull())
            .Select(member => (Name: Words(member.Name, isFirst: false), Value: Value(member.Value)))
            .Where(member => member.Value.Length > 0)
            .Select(member => $"{member.Name} {member.Value}");
        return string.Join(", ", rest.Prepend(head).Where(part => part.Length > 0));
    }

    private static bool IsNamed(JsonProperty member, string name) => member.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static string? Given(JsonProperty member) =>
        member.NameOrNull() is not null && Value(member.Value) is { Length: > 0 } value ? value : null;

    private static string? NameOrNull(this JsonProperty member) => member.Value.ValueKind == JsonValueKind.Undefined ? null : member.Name;

    // Ids and the like stand as they are; anything else may be what somebody wrote.
    private static string Text(string text)
    {
        if (text.Length is > 0 and <= MaxText && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or ':'))
        {
            return text;
        }

        if (DateTimeOffset.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            return time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        }

        var line = PeoplesText.Harmless(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        var clean = line.Replace("«", "", StringComparison.Ordinal).Replace("»", "", StringComparison.Ordinal);
        return clean.Length == 0 ? "" : $"«{clean}»";
    }

    /// <summary><c>pendingInvitations</c> as people write it.</summary>
    private static string Words(string name, bool isFirst)
    {
        var words = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && words.Length > 0)
            {
                words.Append(' ');
            }

            words.Append(words.Length == 0 && isFirst ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c));
        }

        return words.ToString();
    }
}
