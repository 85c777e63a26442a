using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Platform.LocalServers;

namespace Platform.Testing;

/// <summary>A genuine nginx with the configuration of docs/operations.md, on loopback, with a certificate made for it.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private static readonly string[] _temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

    private readonly ChildProcess _process;
    private readonly string _folder;
    private readonly X509Certificate2 _certificate;

    private Nginx(ChildProcess process, string folder, X509Certificate2 certificate) =>
        (_process, _folder, _certificate) = (process, folder, certificate);

    /// <summary>Null where it is not installed.</summary>
    public static string? Program { get; } =
        new[] { "/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx" }.FirstOrDefault(File.Exists);

    /// <summary>Starts it and returns when it takes connections at <paramref name="port"/>.</summary>
    public static async Task<Nginx> StartAsync(string checkout, int port, Uri edge, CancellationToken cancellationToken)
    {
        Assert.SkipWhen(Program is null, "nginx is not installed: ./test installs it.");
        var folder = System.IO.Directory.CreateTempSubdirectory("nginx").FullName;
        var certificate = Certificate(folder);
        var site = Site(checkout)
            .Replace("listen 443 ssl", $"listen 127.0.0.1:{port} ssl", StringComparison.Ordinal)
            .Replace("server_name mcp.example.com", "server_name localhost", StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", edge.Authority.Replace("localhost", "127.0.0.1", StringComparison.Ordinal), StringComparison.Ordinal)
            .Replace("/etc/ssl/certs/mcp.example.com.pem", $"{folder}/certificate.pem", StringComparison.Ordinal)
            .Replace("/etc/ssl/private/mcp.example.com.key", $"{folder}/key.pem", StringComparison.Ordinal);
        var temporary = string.Concat(_temporary.Select(kind => $"  {kind}_temp_path {folder}/{kind};\n"));
        // One process, which is the one that is stopped.
        await File.WriteAllTextAsync(
            $"{folder}/nginx.conf",
            $$"""
            daemon off;
            master_process off;
            pid {{folder}}/nginx.pid;
            error_log stderr;
            events {}
            http {
              access_log off;
            {{temporary}}{{site}}}

            """,
            cancellationToken
        );
        var process = await ChildProcess.StartAsync(
            new ChildProcessOptions
            {
                Name = "nginx",
                FileName = Program!,
                Arguments = ["-p", folder, "-c", $"{folder}/nginx.conf"],
                WorkingDirectory = folder,
            },
            cancellationToken
        );
        var nginx = new Nginx(process, folder, certificate);
        try
        {
            using var http = nginx.Client();
            while (true)
            {
                if (process.HasExited)
                {
                    throw new InvalidOperationException($"nginx ended: {string.Join('\n', process.LastOutput)}");
                }

                try
                {
                    using var answer = await http.GetAsync(new Uri($"https://localhost:{port}/"), cancellationToken);
                    return nginx;
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(50, cancellationToken);
                }
            }
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    /// <summary>A handler that trusts the certificate made for this nginx, and no other.</summary>
    public SocketsHttpHandler Handler() =>
        new()
        {
            UseCookies = false,
            AllowAutoRedirect = false,
            SslOptions =
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == _certificate.GetCertHashString(),
            },
        };

    public HttpClient Client() => new(Handler());

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _certificate.Dispose();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    // The configuration that the documentation shows is the one that is tested.
    private static string Site(string checkout)
    {
        var document = File.ReadAllText(Path.Combine(checkout, "docs", "operations.md"));
        const string Fence = "```nginx\n";
        var start = document.IndexOf(Fence, StringComparison.Ordinal) + Fence.Length;
        return document[start..document.IndexOf("```", start, StringComparison.Ordinal)];
    }

    private static X509Certificate2 Certificate(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText($"{folder}/certificate.pem", certificate.ExportCertificatePem());
        File.WriteAllText($"{folder}/key.pem", key.ExportPkcs8PrivateKeyPem());
        return certificate;
    }
}
