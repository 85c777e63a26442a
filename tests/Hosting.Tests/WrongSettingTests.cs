using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Platform.LocalServers;
using Platform.Servers;

namespace Platform.Hosting.Tests;

/// <summary>What a person reads when a program of the suite cannot run as it is set up: one line to act on.</summary>
public sealed class WrongSettingTests : IDisposable
{
    private readonly Folder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--Servers=foo", "The setting Servers is \"foo\". It must be containers or local.")]
    [InlineData("--Servers:Keycloak=other", "The setting Servers:Keycloak is \"other\". It must be distribution or embedded.")]
    [InlineData("--Servers:Durable=maybe", "The setting Servers:Durable is \"maybe\". It must be true or false.")]
    [InlineData("--Keycloak:CreateAccounts=yes", "The setting Keycloak:CreateAccounts is \"yes\". It must be true or false.")]
    [InlineData("--Edge:Port=eighty", "The setting Edge:Port is \"eighty\". It must be a port from 1 to 65535.")]
    [InlineData("--Edge:Port=65536", "The setting Edge:Port is \"65536\". It must be a port from 1 to 65535.")]
    [InlineData("--Keycloak:Port=-1", "The setting Keycloak:Port is \"-1\". It must be a port from 1 to 65535.")]
    [InlineData("--PublicUrl=nonsense", "The setting PublicUrl is \"nonsense\". It must be an http or https URL")]
    [InlineData("--PublicUrl=/mcp", "The setting PublicUrl is \"/mcp\". It must be an http or https URL")]
    [InlineData(
        "--PublicUrl=https://a:b@mcp.example.com/mcp",
        "The setting PublicUrl is \"https://a:b@mcp.example.com/mcp\". It must be an http or https URL without user"
    )]
    [InlineData("--EndpointsFile=../endpoints.json", "The setting EndpointsFile is \"../endpoints.json\". It must be the name of a file")]
    [InlineData("--Artifacts=/proc/none", "The folder /proc/none (setting Artifacts) cannot be made:")]
    [InlineData("--Srevers=local", "Nothing reads the setting Srevers.")]
    [InlineData("--Edge:Prot=8080", "Nothing reads the setting Edge:Prot.")]
    public async Task The_AppHost_names_the_setting_and_its_rule(string argument, string reason) =>
        Assert.StartsWith(
            $"The AppHost cannot run: {reason}",
            await EndAsync("AppHost", "AppHost", [argument], []),
            StringComparison.Ordinal
        );

    [Fact]
    public async Task A_port_that_was_chosen_must_be_free()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var output = await EndAsync("AppHost", "AppHost", [$"--Edge:Port={port}"], []);

        Assert.Equal(
            $"The AppHost cannot run: The setting Edge:Port is {port}, where it cannot listen: another program listens there.",
            output
        );
    }

    [Fact]
    public async Task The_dashboard_leaves_a_port_that_is_taken()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = $"http://localhost:{((IPEndPoint)other.LocalEndpoint).Port}";

        // The wrong path ends it after that.
        var output = await EndAsync(
            "AppHost",
            "AppHost",
            ["--Servers=local"],
            new() { ["ASPNETCORE_URLS"] = taken, ["KEYCLOAK_HOME"] = "/none" }
        );

        Assert.StartsWith($"{taken} (ASPNETCORE_URLS) cannot be used: another program listens there. It is http://localhost:", output);
        Assert.EndsWith("The variable KEYCLOAK_HOME is /none. It must name a Keycloak's folder, and there is no bin/kc.sh in it.", output);
    }

    [Fact]
    public async Task A_second_start_in_the_same_folder_is_refused()
    {
        await File.WriteAllTextAsync(_folder["start.pid"], Environment.ProcessId.ToString(CultureInfo.InvariantCulture), Token);
        using var first = new FileStream(_folder["start.lock"], FileMode.Create, FileAccess.ReadWrite, FileShare.None);

        var output = await EndAsync("AppHost", "AppHost", ["--Servers=local"], []);

        Assert.StartsWith($"The suite still runs as process {Environment.ProcessId}. Waiting", output, StringComparison.Ordinal);
        Assert.Contains(
            $"The AppHost cannot run: The suite already runs with the folder {_folder.Path}, as process {Environment.ProcessId}.",
            output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_start_waits_for_the_one_before_it_to_end()
    {
        await File.WriteAllTextAsync(_folder["start.pid"], Environment.ProcessId.ToString(CultureInfo.InvariantCulture), Token);
        var first = new FileStream(_folder["start.lock"], FileMode.Create, FileAccess.ReadWrite, FileShare.None);

        var output = await EndAsync("AppHost", "AppHost", ["--Servers=local"], new() { ["KEYCLOAK_HOME"] = "/none" }, line =>
        {
            if (line.StartsWith("The suite still runs", StringComparison.Ordinal))
            {
                first.Dispose();
            }
        });

        // It went on to the next thing that is wrong.
        Assert.EndsWith("there is no bin/kc.sh in it.", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("services/data/Service", "Data.Service", "data cannot run: The connection string 'rabbitmq' is missing.")]
    [InlineData("identity/Service", "Identity.Service", "identity cannot run: The connection string 'rabbitmq' is missing.")]
    public async Task A_service_without_a_setting_names_it(string folder, string program, string reason) =>
        Assert.Equal(reason, await EndAsync(folder, program, [], []));

    [Fact]
    public async Task The_edge_names_a_public_address_that_is_wrong() =>
        Assert.Equal(
            "edge cannot run: Edge:PublicUrl must be an absolute http or https URL without query and fragment.",
            await EndAsync("mcp-edge", "Edge", [], new() { ["Edge__PublicUrl"] = "ftp://mcp.example.com/mcp" })
        );

    [Theory]
    [InlineData(
        "Edge__Access__ReadsPerSekond",
        "10",
        "edge cannot run: Nothing reads the setting Edge:Access:ReadsPerSekond. The settings of Edge:Access are: "
    )]
    [InlineData("Edge__Access__ServiceSecret", "", "edge cannot run: The Edge:Access:ServiceSecret field is required.")]
    public async Task The_edge_names_a_setting_by_its_whole_name(string name, string value, string reason) =>
        Assert.StartsWith(
            reason,
            await EndAsync(
                "mcp-edge",
                "Edge",
                [],
                new()
                {
                    ["Edge__PublicUrl"] = "https://mcp.example.com/mcp",
                    ["Edge__Access__ServiceSecret"] = "secret",
                    ["services__identity__grpc__0"] = "http://localhost:1",
                    ["services__identity__http__0"] = "http://localhost:1",
                    ["services__directory__grpc__0"] = "http://localhost:1",
                    ["services__data__grpc__0"] = "http://localhost:1",
                    ["services__audit__grpc__0"] = "http://localhost:1",
                    [name] = value,
                }
            ),
            StringComparison.Ordinal
        );

    // What it says until it has ended.
    private async Task<string> EndAsync(
        string folder,
        string program,
        IReadOnlyList<string> arguments,
        Dictionary<string, string?> variables,
        Action<string>? onLine = null
    )
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var artifacts = arguments.Any(argument => argument.StartsWith("--Artifacts", StringComparison.Ordinal));
        await using var process = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = program,
                FileName = "dotnet",
                Arguments =
                [
                    Path.Combine(LocalServer.Checkout, folder, "bin", output.Parent!.Name, output.Name, $"Platform.{program}.dll"),
                    .. program == "AppHost" && !artifacts ? [$"--Artifacts={_folder.Path}"] : Array.Empty<string>(),
                    .. arguments,
                ],
                ExtraEnvironment = new Dictionary<string, string?>(variables)
                {
                    ["DOTNET_ENVIRONMENT"] = "Development",
                    ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
                    ["ASPNETCORE_URLS"] = variables.GetValueOrDefault("ASPNETCORE_URLS", $"http://localhost:{FreePorts.Next()}"),
                },
                OnLine = (line, _) => onLine?.Invoke(line),
            },
            Token
        );

        Assert.Equal(1, await process.Exited.WaitAsync(TimeSpan.FromSeconds(60), Token));
        Assert.DoesNotContain(process.LastOutput, line => line.TrimStart().StartsWith("at ", StringComparison.Ordinal));
        return string.Join('\n', process.LastOutput);
    }
}
