namespace Platform.Identity.Service.Demo;

/// <summary>The members of the demo workspace that directory seeds. Bound in Development alone.</summary>
internal sealed class DemoOptions
{
    public const string Section = "Demo";

    public bool Seed { get; set; }

    /// <summary>Where usernames, passwords and personal tokens are written, readable by the owner of the process alone.</summary>
    public string CredentialsPath { get; set; } = "";

    /// <summary>Passwords by role; a role without one gets a random password.</summary>
    public Dictionary<string, string> Passwords { get; set; } = [];
}
