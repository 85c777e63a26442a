using System.Reflection;
using Platform.Audit.Contracts;
using Platform.Changes.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Data.Contracts;
using Platform.Directory.Contracts;
using Platform.Identity.Contracts;

namespace Platform.Architecture.Tests;

/// <summary>The checkout that the tests run in, and everything it declares.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<Assembly> Contracts { get; } =
    [
        typeof(AuditContract).Assembly,
        typeof(ChangesContract).Assembly,
        typeof(DataContract).Assembly,
        typeof(DirectoryContract).Assembly,
        typeof(IdentityContract).Assembly,
    ];

    public static ToolCatalogue Catalogue { get; } =
        ToolCatalogue.Join(AuditContract.Catalogue, DataContract.Catalogue, DirectoryContract.Catalogue, IdentityContract.Catalogue);

    /// <summary>Tracked kinds of files below a folder, without what the build makes.</summary>
    public static IEnumerable<string> Files(string pattern, params IEnumerable<string> folders) =>
        folders
            .Select(folder => Path.Combine(Root, folder))
            .Where(System.IO.Directory.Exists)
            .SelectMany(folder => System.IO.Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories))
            .Where(file => !Relative(file).Split('/').Any(part => part is "bin" or "obj" or "artifacts" or "node_modules"));

    public static string Relative(string file) => Path.GetRelativePath(Root, file).Replace('\\', '/');

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Platform.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("The tests run outside a checkout.");
    }
}
