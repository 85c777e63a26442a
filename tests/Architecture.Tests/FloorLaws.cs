using System.Text.RegularExpressions;
using Mono.Cecil;

namespace Platform.Architecture.Tests;

/// <summary>
/// Inside a project, folders form floors: each uses those below, never one above or beside, so that no folders form a circle. The compiled
/// code shows which types a folder uses; its using directives also show the constants, which leave no trace there.
/// </summary>
public sealed partial class FloorLaws
{
    public static TheoryData<string> Projects => [.. Floors.All.Select(project => project.Name)];

    public static TheoryData<string, string> Folders =>
        [.. Floors.All.SelectMany(project => project.Folders.Select(folder => (project.Name, folder)))];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_uses_only_the_floors_below_it(string name, string folder)
    {
        var project = Find(name);
        var allowed = project.Below(folder).Append(folder).Select(project.NamespaceOf).ToList();
        using var module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, name + ".dll"));
        var types = module.Types.Where(type => type.Namespace == project.NamespaceOf(folder)).ToList();
        Assert.NotEmpty(types);
        Assert.Empty(
            types.SelectMany(type =>
                TypeUse
                    .Of(type)
                    .Where(used => used.Namespace == name || used.Namespace.StartsWith(name + ".", StringComparison.Ordinal))
                    .Where(used => !allowed.Contains(used.Namespace))
                    .Select(used => $"{type.FullName} uses {used.FullName}")
            )
        );
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_names_only_namespaces_below_it(string name, string folder)
    {
        var project = Find(name);
        var allowed = project.Below(folder).Append(folder).Select(project.NamespaceOf).ToList();
        Assert.Empty(
            Repository
                .Files("*.cs", Path.Combine(project.Folder, folder))
                .SelectMany(file =>
                    Using()
                        .Matches(File.ReadAllText(file))
                        .Select(match => match.Groups["name"].Value)
                        .Where(used => used == name || used.StartsWith(name + ".", StringComparison.Ordinal))
                        .Except(allowed)
                        .Select(used => $"{Repository.Relative(file)} uses {used}")
                )
        );
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_folder_has_a_floor_and_a_namespace_of_its_own(string name)
    {
        var project = Find(name);
        Assert.All(Repository.Files("*.cs", project.Folder), file =>
        {
            var folder = Path.GetDirectoryName(Path.GetRelativePath(Path.Combine(Repository.Root, project.Folder), file))!;
            Assert.True(folder.Length == 0 || project.Folders.Contains(folder), $"{Repository.Relative(file)} is on no floor");
            var declared = Namespace().Match(File.ReadAllText(file));
            Assert.Equal(declared.Success ? project.NamespaceOf(folder) : "", declared.Groups["name"].Value);
        });
    }

    private static ProjectFloors Find(string name) => Floors.All.Single(project => project.Name == name);

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?(?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
