namespace Aspire.Hosting.ApplicationModel;

public sealed class KeycloakResource : ContainerResource, IResourceWithServiceDiscovery
{
    public KeycloakResource(string name, ParameterResource? admin, ParameterResource adminPassword) : base(name)
    {
        ArgumentNullException.ThrowIfNull(adminPassword);
        AdminUserNameParameter = admin;
        AdminPasswordParameter = adminPassword;
    }

    public ParameterResource? AdminUserNameParameter { get; }

    public ParameterResource AdminPasswordParameter { get; }

    internal ReferenceExpression AdminReference =>
        AdminUserNameParameter is null ? ReferenceExpression.Create($"admin") : ReferenceExpression.Create($"{AdminUserNameParameter}");

    internal SortedSet<string> EnabledFeatures { get; } = new(StringComparer.Ordinal);

    internal SortedSet<string> DisabledFeatures { get; } = new(StringComparer.Ordinal);

    internal List<string> Imports { get; } = [];
}
