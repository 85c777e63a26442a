using Platform.Testing;

namespace Platform.Edge.Tests.Conformance;

/// <summary>
/// The programs of the folder Npm, under the Node.js that comes with them: they need a newer one than many machines have.
/// </summary>
internal static class NpmTools
{
    private static readonly string _root = FindRoot();
    private static readonly string _folder = Path.Combine(_root, "artifacts", "conformance");
    private static readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>The checkout that the tests run in.</summary>
    public static string Root => _root;

    public static async Task InstallAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await NpmPackages.InstallAsync(Path.Combine(_root, "tests", "Edge.Tests", "Conformance", "Npm"), _folder, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    public static Task<(int ExitCode, string Output)> RunAsync(
        string program,
        IEnumerable<string> arguments,
        CancellationToken cancellationToken
    ) => NodeAsync([Path.Combine(_folder, "node_modules", ".bin", program), .. arguments], cancellationToken);

    public static Task<(int ExitCode, string Output)> NodeAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var modules = Path.Combine(_folder, "node_modules");
        var node = System
            .IO.Directory.EnumerateDirectories(modules, "node-*")
            .Select(package => Path.Combine(package, "bin", "node"))
            .FirstOrDefault(File.Exists)
            ?? "node";
        return NpmPackages.RunAsync(node, arguments, _folder, cancellationToken);
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Platform.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
