using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Native;

/// <summary>Writes the model as <c>aspire-manifest.json</c>, which deployment tools read, instead of running it.</summary>
internal sealed class ManifestPublisher(DistributedApplicationModel model, DistributedApplicationExecutionContext execution, IConfiguration configuration)
{
    private const string FileName = "aspire-manifest.json";

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What expressions name beside the resources of the model: generated passwords, and values encoded for URIs.
    private readonly SortedDictionary<string, JsonObject> _referenced = new(StringComparer.Ordinal);
    private string _directory = "";

    /// <summary>Whether the command line asks for a manifest: <c>--publisher manifest</c>.</summary>
    public static bool IsAskedFor(IConfiguration configuration) =>
        string.Equals(configuration["Publishing:Publisher"] ?? configuration["publisher"], "manifest", StringComparison.OrdinalIgnoreCase);

    public async Task<string> PublishAsync(string appHostDirectory, CancellationToken cancellationToken)
    {
        var output = Path.GetFullPath(configuration["Publishing:OutputPath"] ?? configuration["output-path"] ?? FileName, appHostDirectory);
        var file = output.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? output : Path.Combine(output, FileName);
        _directory = Path.GetDirectoryName(file)!;
        var resources = new JsonObject();
        foreach (var resource in model.Resources)
        {
            if (!resource.Annotations.OfType<ManifestPublishingCallbackAnnotation>().Contains(ManifestPublishingCallbackAnnotation.Ignore))
                resources[resource.Name] = await DescribeAsync(resource, cancellationToken);
        }
        foreach (var (name, referenced) in _referenced.Where(one => !resources.ContainsKey(one.Key)))
            resources[name] = referenced;

        Directory.CreateDirectory(_directory);
        await File.WriteAllTextAsync(file, new JsonObject { ["resources"] = resources }.ToJsonString(s_indented) + "\n", cancellationToken);
        return file;
    }

    private async Task<JsonObject> DescribeAsync(IResource resource, CancellationToken cancellationToken) => resource switch
    {
        ParameterResource parameter => Parameter(parameter),
        ProjectResource project => await ProjectAsync(project, cancellationToken),
        ExecutableResource executable => await ExecutableAsync(executable, cancellationToken),
        ContainerResource container => await ContainerAsync(container, cancellationToken),
        IResourceWithConnectionString value => new JsonObject { ["type"] = "value.v0", ["connectionString"] = Expression(value.ConnectionStringExpression) },
        _ => new JsonObject { ["error"] = "This resource does not support generation in the manifest." },
    };

    private static JsonObject Parameter(ParameterResource parameter)
    {
        var described = new JsonObject { ["type"] = "parameter.v0" };
        if (parameter is IResourceWithConnectionString)
            described["connectionString"] = parameter.ValueExpression;
        described["value"] = $"{{{parameter.Name}.inputs.value}}";
        var input = new JsonObject { ["type"] = "string" };
        if (parameter.Secret)
            input["secret"] = true;
        if (parameter.Default is GenerateParameterDefault generate)
            input["default"] = new JsonObject { ["generate"] = Generate(generate) };
        else if (parameter.Default is { } constant)
            input["default"] = new JsonObject { ["value"] = constant.GetDefaultValue() };
        described["inputs"] = new JsonObject { ["value"] = input };
        return described;
    }

    private static JsonObject Generate(GenerateParameterDefault generate)
    {
        var rules = new JsonObject { ["minLength"] = generate.MinLength };
        foreach (var (name, used) in new[] { ("lower", generate.Lower), ("upper", generate.Upper), ("numeric", generate.Numeric), ("special", generate.Special) })
        {
            if (!used)
                rules[name] = false;
        }
        foreach (var (name, least) in new[]
            { ("minLower", generate.MinLower), ("minUpper", generate.MinUpper), ("minNumeric", generate.MinNumeric), ("minSpecial", generate.MinSpecial) })
        {
            if (least > 0)
                rules[name] = least;
        }
        return rules;
    }

    private async Task<JsonObject> ProjectAsync(ProjectResource project, CancellationToken cancellationToken)
    {
        var described = new JsonObject
        {
            ["type"] = "project.v0",
            ["path"] = RelativePath(project.Annotations.OfType<IProjectMetadata>().Last().ProjectPath),
        };
        await AddArgumentsAsync(described, project, cancellationToken);
        await AddEnvironmentAsync(described, project, Defaults(project), cancellationToken);
        AddBindings(described, project);
        return described;
    }

    private async Task<JsonObject> ExecutableAsync(ExecutableResource executable, CancellationToken cancellationToken)
    {
        var described = new JsonObject
        {
            ["type"] = "executable.v0",
            ["workingDirectory"] = RelativePath(executable.WorkingDirectory),
            ["command"] = executable.Command,
        };
        await AddArgumentsAsync(described, executable, cancellationToken);
        await AddEnvironmentAsync(described, executable, [], cancellationToken);
        AddBindings(described, executable);
        return described;
    }

    private async Task<JsonObject> ContainerAsync(ContainerResource container, CancellationToken cancellationToken)
    {
        var described = new JsonObject { ["type"] = "container.v0" };
        if (container is IResourceWithConnectionString connectable)
            described["connectionString"] = Expression(connectable.ConnectionStringExpression);
        var image = container.Annotations.OfType<ContainerImageAnnotation>().LastOrDefault()
            ?? throw new DistributedApplicationException($"The container '{container.Name}' has no image.");
        described["image"] = image.Reference;
        if (container.Entrypoint is { } entrypoint)
            described["entrypoint"] = entrypoint;
        await AddArgumentsAsync(described, container, cancellationToken);
        AddMounts(described, container, ContainerMountType.BindMount, "bindMounts");
        AddMounts(described, container, ContainerMountType.Volume, "volumes");
        await AddEnvironmentAsync(described, container, [], cancellationToken);
        AddBindings(described, container);
        return described;
    }

    /// <summary>What a published project is told without being asked: that a proxy is before it, and the ports it listens on.</summary>
    private static Dictionary<string, object> Defaults(ProjectResource project)
    {
        var defaults = new Dictionary<string, object>();
        var endpoints = project.Annotations.OfType<EndpointAnnotation>().ToList();
        if (endpoints.Exists(e => e.UriScheme is "http" or "https"))
            defaults["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
        foreach (var (scheme, variable) in new[] { ("http", "HTTP_PORTS"), ("https", "HTTPS_PORTS") })
        {
            var ports = endpoints.Where(e => e.UriScheme == scheme && e.TargetPortEnvironmentVariable is null)
                .Select(e => TargetPort(project, e)).ToList();
            if (ports.Count > 0)
                defaults[variable] = string.Join(';', ports);
        }
        return defaults;
    }

    private async Task AddArgumentsAsync(JsonObject described, IResource resource, CancellationToken cancellationToken)
    {
        var arguments = new List<object>();
        var context = new CommandLineArgsCallbackContext(arguments, resource, cancellationToken) { ExecutionContext = execution };
        foreach (var callback in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
            await callback.Callback(context);
        if (arguments.Count > 0)
            described["args"] = new JsonArray([.. arguments.Select(argument => (JsonNode)Expression(argument))]);
    }

    private async Task AddEnvironmentAsync(JsonObject described, IResource resource, Dictionary<string, object> defaults, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(execution, resource, defaults, cancellationToken);
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            if (endpoint.TargetPortEnvironmentVariable is { } variable)
                context.EnvironmentVariables[variable] = TargetPort(resource, endpoint);
        }
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
            await callback.Callback(context);
        if (context.EnvironmentVariables.Count > 0)
        {
            described["env"] = new JsonObject(context.EnvironmentVariables
                .Select(variable => KeyValuePair.Create(variable.Key, (JsonNode?)Expression(variable.Value))));
        }
    }

    private void AddMounts(JsonObject described, ContainerResource container, ContainerMountType type, string property)
    {
        var mounts = container.Annotations.OfType<ContainerMountAnnotation>().Where(mount => mount.Type == type).Select(mount => (JsonNode)new JsonObject
        {
            [type == ContainerMountType.Volume ? "name" : "source"] = type == ContainerMountType.Volume ? mount.Source : RelativePath(mount.Source!),
            ["target"] = mount.Target,
            ["readOnly"] = mount.IsReadOnly,
        }).ToArray();
        if (mounts.Length > 0)
            described[property] = new JsonArray(mounts);
    }

    private static void AddBindings(JsonObject described, IResource resource)
    {
        var bindings = new JsonObject();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            var binding = new JsonObject
            {
                ["scheme"] = endpoint.UriScheme,
                ["protocol"] = endpoint.Protocol.ToString().ToLowerInvariant(),
                ["transport"] = endpoint.Transport,
            };
            if (endpoint.Port is { } port && port != endpoint.TargetPort)
                binding["port"] = port;
            if (endpoint.TargetPort is { } target)
                binding["targetPort"] = target;
            else if (endpoint.TargetPortEnvironmentVariable is not null || endpoint.UriScheme is not ("http" or "https"))
                binding["targetPort"] = 8000 + bindings.Count;
            if (endpoint.IsExternal)
                binding["external"] = true;
            bindings[endpoint.Name] = binding;
        }
        if (bindings.Count > 0)
            described["bindings"] = bindings;
    }

    private static string TargetPort(IResource resource, EndpointAnnotation endpoint) => $"{{{resource.Name}.bindings.{endpoint.Name}.targetPort}}";

    private string Expression(object value) => value switch
    {
        string text => text,
        ReferenceExpression { IsConditional: true } conditional => Expression(conditional.WhenFalse!),
        ReferenceExpression expression => string.Format(CultureInfo.InvariantCulture, expression.Format,
            [.. expression.ValueProviders.Select((provider, i) => expression.StringFormats[i] == "uri" ? UriEncoded(provider) : Expression(provider))]),
        ParameterResource parameter => Referenced(parameter),
        IManifestExpressionProvider provider => provider.ValueExpression,
        IResourceBuilder<IResource> { Resource: IManifestExpressionProvider provider } => Expression(provider),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>A value inside of a URI is a helper resource of its own.</summary>
    private string UriEncoded(IValueProvider provider)
    {
        if (provider is not IManifestExpressionProvider { ValueExpression: var expression })
            return Expression(provider);
        if (provider is not ParameterResource parameter)
            return expression.Contains('{', StringComparison.Ordinal) ? Expression(provider) : Uri.EscapeDataString(expression);
        var name = $"{parameter.Name}-uri-encoded";
        _referenced[name] = new JsonObject { ["type"] = "annotated.string", ["value"] = Referenced(parameter), ["filter"] = "uri" };
        return $"{{{name}.value}}";
    }

    private string Referenced(ParameterResource parameter)
    {
        _referenced[parameter.Name] = Parameter(parameter);
        return parameter.ValueExpression;
    }

    private string RelativePath(string path)
    {
        var relative = Path.GetRelativePath(_directory, path).Replace('\\', '/');
        return relative.StartsWith("..", StringComparison.Ordinal) || relative.StartsWith('.') ? relative : $"./{relative}";
    }
}
