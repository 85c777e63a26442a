using System.Text.Json;
using Google.Protobuf;
using Platform.Contracts;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Calls;

namespace Platform.Directory.Service.Values;

/// <summary>Text by key that callers keep with a thing: at most 50 keys of 40 characters with values of 600.</summary>
internal static class KeptMetadata
{
    private const int MaxKeys = 50;
    private const int MaxKeyLength = 40;
    private const int MaxValueLength = 600;

    // "No key twice" keeps a second value from silently replacing the first.
    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    /// <summary>The keys in order. Null stands for a key to remove, where <paramref name="allowRemoval"/> allows it.</summary>
    public static SortedDictionary<string, string?> Parse(Json? json, bool allowRemoval)
    {
        var metadata = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        if (json is null || json.Utf8.IsEmpty)
        {
            return metadata;
        }

        try
        {
            using var document = JsonDocument.Parse(json.Utf8.Memory, _strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Problem.Invalid("metadata", "is not an object", """Send an object of texts, such as {"plan":"gold"}.""");
            }

            foreach (var property in document.RootElement.EnumerateObject())
            {
                metadata.Add(Nfc.Of(property.Name), Value(property, allowRemoval));
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw Problem.Invalid(
                "metadata",
                "is not valid JSON, holds a broken character, or names a key twice",
                """Send an object of texts, such as {"plan":"gold"}."""
            );
        }

        CheckCount(metadata.Count);
        return metadata;
    }

    /// <summary>A mode says nothing without metadata.</summary>
    public static void CheckMode(Json? metadata, MetadataMode mode)
    {
        if (metadata is null && mode != MetadataMode.Unspecified)
        {
            throw Problem.Invalid("metadataMode", "comes without metadata", "Send metadata; {} with the mode replace removes every key.");
        }
    }

    /// <summary>What an update makes of the metadata there is, and which keys that changes.</summary>
    public static (Json After, List<FieldChange> Changes) Change(Json current, Json sent, MetadataMode mode)
    {
        var replace = mode == MetadataMode.Replace;
        var parsed = Parse(sent, allowRemoval: !replace);
        var before = JsonSerializer.Deserialize<SortedDictionary<string, string?>>(current.Utf8.Span)!;
        var after = new SortedDictionary<string, string?>(replace ? new Dictionary<string, string?>() : before, StringComparer.Ordinal);
        foreach (var (key, value) in parsed)
        {
            if (value is null)
            {
                after.Remove(key);
            }
            else
            {
                after[key] = value;
            }
        }

        CheckCount(after.Count);
        var changes = before
            .Keys.Union(after.Keys)
            .Where(key => before.GetValueOrDefault(key) != after.GetValueOrDefault(key))
            .Select(key => new FieldChange($"metadata.{key}", before.GetValueOrDefault(key), after.GetValueOrDefault(key)))
            .ToList();
        return (ToJson(Serialize(after)), changes);
    }

    public static void CheckCount(int keys)
    {
        if (keys > MaxKeys)
        {
            throw Problem.Invalid(
                "metadata",
                $"has {keys} keys, more than {MaxKeys}",
                $"Keep at most {MaxKeys} keys; null removes one when merging."
            );
        }
    }

    public static string Serialize(IReadOnlyDictionary<string, string?> metadata) => JsonSerializer.Serialize(metadata);

    public static Json ToJson(string metadata) => new() { Utf8 = ByteString.CopyFromUtf8(metadata) };

    private static string? Value(JsonProperty property, bool allowRemoval)
    {
        var field = $"metadata.{(property.Name.Length > MaxKeyLength ? property.Name[..MaxKeyLength] + "…" : property.Name)}";
        if (
            property.Name.Length == 0
            || property.Name.EnumerateRunes().Count() > MaxKeyLength
            || property.Name.Contains('\0', StringComparison.Ordinal)
        )
        {
            throw Problem.Invalid(
                field,
                $"has a key that is empty, longer than {MaxKeyLength} characters, or holds a NUL character",
                "Choose a shorter key."
            );
        }

        if (property.Value.ValueKind == JsonValueKind.Null && allowRemoval)
        {
            return null;
        }

        if (property.Value.ValueKind != JsonValueKind.String)
        {
            throw Problem.Invalid(field, "is not a text", "Send texts only; write a number as \"42\".");
        }

        var value = property.Value.GetString()!;
        if (value.EnumerateRunes().Count() > MaxValueLength || value.Contains('\0', StringComparison.Ordinal))
        {
            throw Problem.Invalid(
                field,
                $"is longer than {MaxValueLength} characters or holds a NUL character",
                $"Send at most {MaxValueLength} characters."
            );
        }

        return Nfc.Of(value);
    }
}
