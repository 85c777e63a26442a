namespace Platform.Data.Service.Fields;

/// <summary>
/// How much work a search asks of the database for each record, over all of its filters. PostgreSQL looks for a text at each position of a
/// value and does not stop inside one comparison, whatever the time limit says. So the work is bounded before it begins. At worst, a record
/// with a text of 100,000 characters costs about 0.2 seconds.
/// </summary>
internal sealed class FilterSize
{
    /// <summary>The most conditions of a search.</summary>
    public const int MaxConditions = 100;

    /// <summary>The longest text to look for inside of values, in characters.</summary>
    public const int MaxNeedle = 200;

    /// <summary>The most characters to look for inside of values in one search, all conditions taken together.</summary>
    public const int MaxNeedles = 1000;

    /// <summary>The most values to compare with in one search, all conditions taken together.</summary>
    public const int MaxValues = 1000;

    /// <summary>A text that can be longer is costly to look through.</summary>
    public const int LongText = 1000;

    private int _conditions;
    private int _needles;
    private int _values;

    /// <summary>Whether long texts are looked through. Few such searches of a workspace run at a time.</summary>
    public bool IsHeavy { get; set; }

    /// <summary>Each of these counts, and answers whether the bound is kept.</summary>
    public bool AddCondition() => ++_conditions <= MaxConditions;

    public bool AddNeedle(int characters) => (_needles += characters) <= MaxNeedles;

    public bool AddValues(int count) => (_values += count) <= MaxValues;
}
