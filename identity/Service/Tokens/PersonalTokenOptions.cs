namespace Platform.Identity.Service.Tokens;

/// <summary>How long personal tokens live.</summary>
internal sealed class PersonalTokenOptions
{
    public const string Section = "PersonalTokens";

    public int DefaultDays { get; set; } = 90;

    public int MaxDays { get; set; } = 365;
}
