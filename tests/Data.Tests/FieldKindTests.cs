using System.Text.RegularExpressions;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.LocalServers;

namespace Platform.Data.Tests;

/// <summary>A field type is one place: its kind, in the folder Fields.</summary>
public sealed class FieldKindTests
{
    private static readonly IReadOnlyList<Type> _kinds =
    [
        .. typeof(FieldKind).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(FieldKind))),
    ];

    private static readonly IReadOnlyList<FieldType> _types = [.. Enum.GetValues<FieldType>().Where(type => type != FieldType.Unspecified)];

    [Fact]
    public void No_code_outside_Fields_names_a_kind()
    {
        var kinds = string.Join('|', _kinds.Select(kind => kind.Name));
        var names = string.Join('|', _types.Select(type => FieldKind.Find(type)!.Name));
        var tests = new Regex(
            $$"""\b({{kinds}})\b|\bFieldType\.|"({{names}})"|\bKind (is|as|switch)\b(?! (not )?\{)|typeof\(FieldKind\)"""
        );
        var found =
            from file in SourceFiles().Where(file => !file.Contains("/Fields/", StringComparison.Ordinal))
            from line in File.ReadLines(file).Select((text, index) => (Text: text, Number: index + 1))
            where tests.IsMatch(line.Text)
            select $"{Path.GetFileName(file)}:{line.Number}: {line.Text.Trim()}";

        Assert.Empty(found);
    }

    [Fact]
    public void Every_field_type_of_the_contract_has_a_kind_that_is_found_by_type_and_by_name()
    {
        foreach (var type in _types)
        {
            var kind = FieldKind.Find(type);

            Assert.NotNull(kind);
            Assert.Equal(type, kind.Type);
            Assert.Same(kind, FieldKind.Of(kind.Name));
        }
    }

    [Fact]
    public void Messages_list_kinds_by_what_they_can_do()
    {
        Assert.Equal("text, number, date, date_time, email or url", FieldKind.NamesOf(kind => kind.CanBeUnique));
        Assert.Equal("select or multi_select", FieldKind.NamesOf(kind => kind.HasChoices));
        Assert.Equal("link", FieldKind.NamesOf(kind => kind.HasLinks));
        Assert.Equal("", FieldKind.NamesOf(_ => false));
    }

    private static List<string> SourceFiles()
    {
        var files = new DirectoryInfo(Path.Combine(LocalServer.Checkout, "services", "data", "Service"))
            .EnumerateFiles("*.cs", SearchOption.AllDirectories)
            .Select(file => file.FullName.Replace('\\', '/'))
            .Where(file => !file.Contains("/bin/", StringComparison.Ordinal) && !file.Contains("/obj/", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(files);
        return files;
    }
}
