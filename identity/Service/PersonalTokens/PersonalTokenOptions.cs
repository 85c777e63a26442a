namespace Platform.Identity.Service.PersonalTokens;

/// <summary>How long personal tokens live.</summary>
internal sealed class PersonalTokenOptions
{
    public const string Section = "PersonalTokens";

    /// <summary>Days until a token expires whose owner names no date.</summary>
    public int DefaultDays { get; set; } = 90;

    /// <summary>The longest that an owner may name.</summary>
    public int MaxDays { get; set; } = 365;
}
