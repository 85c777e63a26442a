namespace Platform.ServiceDefaults.Telemetry;

/// <summary>A program cannot run as it is set up. The message names the setting, the rule, and what to do.</summary>
public sealed class WrongSettingException(string message) : Exception(message);
