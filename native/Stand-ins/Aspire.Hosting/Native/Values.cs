using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Native;

/// <summary>Turns what the model says into the variables and arguments of one process.</summary>
internal static class Values
{
    public static async Task<Dictionary<string, string>> EnvironmentAsync(
        IResource resource, DistributedApplicationExecutionContext execution, int replica, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(execution, resource, [], cancellationToken);
        // Ports first, so that a callback sees and may change them.
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            if (endpoint.TargetPortEnvironmentVariable is { } variable && endpoint.ProcessPorts.Length > replica)
                context.EnvironmentVariables[variable] = endpoint.ProcessPorts[replica].ToString(CultureInfo.InvariantCulture);
        }
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
            await callback.Callback(context);

        var values = new Dictionary<string, string>();
        foreach (var (name, value) in context.EnvironmentVariables)
        {
            if (await ResolveAsync(value, resource, replica, cancellationToken) is { } text)
                values[name] = text;
        }
        return values;
    }

    public static async Task<string[]> ArgumentsAsync(
        IResource resource, DistributedApplicationExecutionContext execution, CancellationToken cancellationToken)
    {
        var arguments = new List<object>();
        var context = new CommandLineArgsCallbackContext(arguments, resource, cancellationToken) { ExecutionContext = execution };
        foreach (var callback in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
            await callback.Callback(context);
        var values = new List<string>();
        foreach (var argument in arguments)
        {
            if (await ResolveAsync(argument, resource, 0, cancellationToken) is { } text)
                values.Add(text);
        }
        return [.. values];
    }

    private static async ValueTask<string?> ResolveAsync(object value, IResource owner, int replica,
        CancellationToken cancellationToken) => value switch
        {
            string text => text,
            // A process asks for its own port: each replica has another one.
            EndpointReferenceExpression { Property: EndpointProperty.TargetPort } own when ReferenceEquals(own.Endpoint.Resource, owner)
                && own.Endpoint.EndpointAnnotation.ProcessPorts is { } ports && ports.Length > replica =>
                    ports[replica].ToString(CultureInfo.InvariantCulture),
            IValueProvider provider => await provider.GetValueAsync(new ValueProviderContext { Caller = owner }, cancellationToken),
            IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(cancellationToken),
            IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString(),
        };
}
