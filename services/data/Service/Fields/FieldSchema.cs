using System.Text.Json;
using Platform.Contracts;
using Platform.Data.Contracts.V1;
using Platform.ServiceDefaults.Calls;
using Field = Platform.Data.Contracts.V1.Field;

namespace Platform.Data.Service.Fields;

/// <summary>A choice of a select or multi-select field.</summary>
internal sealed record ChoiceSchema(Guid Id, string Label, string Color)
{
    public string Key { get; } = Ids.Format("cho", Id);
}

/// <summary>A field as the service knows it: how values come in, where they are kept, how they go out.</summary>
internal sealed class FieldSchema(Guid id, string name, FieldKind kind, string column)
{
    /// <summary>The most choices of a field.</summary>
    public const int MaxChoices = 1000;

    // Beside them, a field has a name and a description.
    private const int MaxChoiceBytes = AnswerSize.MaxEntries - 10_000;

    private readonly Dictionary<Guid, ChoiceSchema> _byId = [];
    private readonly Dictionary<string, ChoiceSchema> _byLabel = new(StringComparer.Ordinal);

    public Guid Id => id;

    public string Name => name;

    public FieldKind Kind => kind;

    /// <summary>Generated from the id; a column of the user table, or a system column.</summary>
    public string Column => column;

    /// <summary>As the API names it, <c>fld_…</c>.</summary>
    public string Key { get; } = Ids.Format("fld", id);

    public JsonEncodedText EncodedName { get; } = JsonEncodedText.Encode(name, JsonText.Encoder);

    public JsonEncodedText EncodedKey { get; } = JsonEncodedText.Encode(Ids.Format("fld", id));

    public string Description { get; init; } = "";

    public bool Required { get; init; }

    public bool Unique { get; init; }

    public bool AllowNewChoices { get; init; }

    public int? MaxLength { get; init; }

    public int? Precision { get; init; }

    /// <summary>In their order.</summary>
    public IReadOnlyList<ChoiceSchema> Choices
    {
        get;
        init
        {
            field = value;
            foreach (var choice in value)
            {
                _byId[choice.Id] = choice;
                _byLabel[choice.Label] = choice;
            }

            // Labels that are older than their normalization are found by what a request makes of them.
            foreach (var choice in value)
            {
                _byLabel.TryAdd(Nfc.Of(choice.Label), choice);
            }
        }
    } = [];

    /// <summary>Choices that no longer exist, but that values of deleted records and of history still name.</summary>
    public IReadOnlyList<ChoiceSchema> RemovedChoices
    {
        get;
        init
        {
            field = value;
            foreach (var choice in value)
            {
                _byId[choice.Id] = choice;
            }
        }
    } = [];

    /// <summary>Generated names: text that a user wrote never becomes an identifier.</summary>
    public static string ColumnOf(Guid id) => Ids.Format("c", id);

    public static string FirstIndexOf(Guid id) => Ids.Format("l", id);

    public static string UniqueIndexOf(Guid id) => Ids.Format("u", id);

    /// <summary>A choice, or one that was removed.</summary>
    public ChoiceSchema? FindChoice(Guid id) => _byId.GetValueOrDefault(id);

    /// <summary>By exact label or by id.</summary>
    public ChoiceSchema? FindChoice(string labelOrId) =>
        _byLabel.GetValueOrDefault(labelOrId)
        ?? (
            Ids.TryParse("cho", labelOrId, out var id)
            && _byId.GetValueOrDefault(id) is { } choice
            && _byLabel.GetValueOrDefault(choice.Label) == choice
                ? choice
                : null
        );

    /// <summary>The field as an answer shows it: with as many of its choices as fit.</summary>
    /// <param name="firstChoice">How many choices were shown before.</param>
    public Field ToAnswer(int firstChoice = 0)
    {
        var field = ToField();
        var size = new AnswerSize(MaxChoiceBytes);
        var shown = field.Choices.Skip(firstChoice).TakeWhile(choice => size.TryTake(JsonSize.Of(choice))).ToList();
        if (firstChoice + shown.Count < Choices.Count)
        {
            field.HasMoreChoices = true;
        }

        field.Choices.Clear();
        field.Choices.Add(shown);
        return field;
    }

    /// <summary>The whole definition.</summary>
    public Field ToField()
    {
        var field = new Field
        {
            Id = Key,
            Name = Name,
            Type = Kind.Type,
            Description = Description,
            Required = Required,
            Unique = Unique,
        };
        Kind.Describe(field);
        if (Kind.HasChoices)
        {
            field.AllowNewChoices = AllowNewChoices;
        }

        if (MaxLength is { } maxLength)
        {
            field.MaxLength = maxLength;
        }

        if (Precision is { } precision)
        {
            field.Precision = precision;
        }

        field.Choices.AddRange(
            Choices.Select(choice => new Choice
            {
                Id = choice.Key,
                Label = choice.Label,
                Color = choice.Color,
            })
        );
        return field;
    }
}
