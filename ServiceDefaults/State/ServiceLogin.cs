namespace Platform.ServiceDefaults.State;

/// <summary>A login of the service beside its application role, named by the work that it is for.</summary>
internal sealed record ServiceLogin(string Work);
