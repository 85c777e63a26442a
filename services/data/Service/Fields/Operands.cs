using System.Text.Json;

namespace Platform.Data.Service.Fields;

/// <summary>
/// The values that a condition compares with. A value that does not fit is collected as a violation, and the compiled condition must not be
/// used then.
/// </summary>
internal sealed class Operands(
    FieldSchema compared,
    JsonElement condition,
    string path,
    QueryParameters parameters,
    DateTimeOffset now,
    FilterSize size,
    Action<string, string, string> refuse
)
{
    public const int MaxItems = 200;

    public FieldSchema Field => compared;

    public QueryParameters Parameters => parameters;

    public DateTimeOffset Now => now;

    /// <summary>What an index on the field could do for the condition; null for nothing.</summary>
    public ShapeUse? Use { get; set; }

    /// <summary>How much the search asks for, this condition included.</summary>
    public FilterSize Size => size;

    public bool HasRight => condition.TryGetProperty("rightSide", out var right) && right.ValueKind != JsonValueKind.Null;

    /// <summary>The single value to compare with; default when it was refused.</summary>
    public T? Right<T>(Func<JsonElement, Reading<T>> read) => Read("rightSide", read);

    /// <summary>The text to look for inside of values; empty when it was refused.</summary>
    public string Needle()
    {
        var text = Right(TextKind.Operand) ?? "";
        var length = TextKind.LengthOf(text);
        if (length > FilterSize.MaxNeedle)
        {
            refuse($"{path}.rightSide", $"is {length} characters long", $"Look for at most {FilterSize.MaxNeedle} characters.");
        }
        else if (!size.AddNeedle(length))
        {
            refuse(
                $"{path}.rightSide",
                $"takes the search beyond {FilterSize.MaxNeedles} characters to look for in all conditions, those of a view included",
                "Look for less at a time."
            );
        }

        return text;
    }

    /// <param name="read">Reads a bound.</param>
    /// <param name="areReversed">Whether nothing lies between them, because the lower one is above the upper one.</param>
    public (T? Lower, T? Upper) Bounds<T>(Func<JsonElement, Reading<T>> read, Func<T, T, bool> areReversed)
    {
        var (lower, upper) = (Meant(condition.GetProperty("lowerBound"), read), Meant(condition.GetProperty("upperBound"), read));
        Check("lowerBound", lower);
        Check("upperBound", upper);
        if (lower.Rule is null && upper.Rule is null && areReversed(lower.Value!, upper.Value!))
        {
            refuse($"{path}.lowerBound", "is above upperBound, so that nothing is between them", "Send the smaller value as lowerBound.");
        }

        return (lower.Value, upper.Value);
    }

    /// <summary>The items of an array; a single value counts as an array of one.</summary>
    public List<T> Items<T>(Func<JsonElement, Reading<T>> read)
    {
        var right = condition.GetProperty("rightSide");
        if (JsonText.Quoted(right) is { ValueKind: JsonValueKind.Array } list && read(right).Rule is not null)
        {
            right = list;
        }

        var items = new List<T>();
        if (right.ValueKind != JsonValueKind.Array)
        {
            Add(right, "rightSide");
            CheckValues(1);
        }
        else if (right.GetArrayLength() is 0 or > MaxItems)
        {
            refuse($"{path}.rightSide", $"holds {right.GetArrayLength()} values", $"Send 1 to {MaxItems} values.");
        }
        else if (CheckValues(right.GetArrayLength()))
        {
            var index = 0;
            foreach (var item in right.EnumerateArray())
            {
                Add(item, $"rightSide[{index++}]");
            }
        }

        return items;

        void Add(JsonElement item, string name)
        {
            var reading = Meant(item, read);
            if (reading.Rule is null)
            {
                items.Add(reading.Value!);
            }
            else
            {
                refuse($"{path}.{name}", reading.Rule, reading.Fix!);
            }
        }
    }

    private bool CheckValues(int count)
    {
        if (size.AddValues(count))
        {
            return true;
        }

        refuse(
            $"{path}.rightSide",
            $"takes the search beyond {FilterSize.MaxValues} values to compare with in all conditions, those of a view included",
            "Search for fewer values at a time."
        );
        return false;
    }

    private T? Read<T>(string name, Func<JsonElement, Reading<T>> read)
    {
        var reading = Meant(condition.GetProperty(name), read);
        Check(name, reading);
        return reading.Value;
    }

    // A text that cannot be compared with the field, but holds the JSON of something that can, stands for that.
    private static Reading<T> Meant<T>(JsonElement value, Func<JsonElement, Reading<T>> read)
    {
        var reading = read(value);
        return reading.Rule is not null && JsonText.Quoted(value) is { } meant && read(meant) is { Rule: null } plain ? plain : reading;
    }

    private void Check<T>(string name, Reading<T> reading)
    {
        if (reading.Rule is not null)
        {
            refuse($"{path}.{name}", reading.Rule, reading.Fix!);
        }
    }
}

/// <summary>An operand as it was read, or why it cannot be used.</summary>
internal readonly record struct Reading<T>(T? Value, string? Rule = null, string? Fix = null)
{
    public static Reading<T> Refused(string rule, string fix) => new(default, rule, fix);
}
