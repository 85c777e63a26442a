using System.Text.Json;
using System.Text.RegularExpressions;
using Platform.Data.Contracts;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.LocalServers;

namespace Platform.Data.Tests;

/// <summary>A field type is one place: the folder Fields, with its kind and what the contract says about it.</summary>
public sealed class FieldKindTests
{
    private static readonly IReadOnlyList<Type> _kinds =
    [
        .. typeof(FieldKind).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(FieldKind))),
    ];

    private static readonly IReadOnlyList<FieldType> _types = [.. Enum.GetValues<FieldType>().Where(type => type != FieldType.Unspecified)];

    [Fact]
    public void Nothing_outside_Fields_names_a_kind()
    {
        var kinds = string.Join('|', _kinds.Select(kind => kind.Name));
        var names = string.Join('|', _types.Select(type => FieldKind.Find(type)!.Name));
        var tests = new Regex(
            $$"""\b({{kinds}})\b|\bFieldType\.|\bFIELD_TYPE_|"({{names}})"|\bKind (is|as|switch)\b(?! (not )?\{)|typeof\(FieldKind\)"""
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
        Assert.All(_types, type =>
        {
            var kind = FieldKind.Find(type);

            Assert.NotNull(kind);
            Assert.Equal(type, kind.Type);
            Assert.Same(kind, FieldKind.Of(kind.Name));
        });
    }

    [Fact]
    public void The_contract_says_of_each_setting_which_kinds_have_it()
    {
        Assert.True(DataContract.Catalogue.TryGetTool("create_field", out var tool));
        var field = JsonDocument.Parse(tool.InputSchema).RootElement.GetProperty("properties").GetProperty("field");
        var settings = field.GetProperty("properties");

        Assert.Equal(NamedAt("unique"), Names(kind => kind.CanBeUnique));
        Assert.Equal(NamedAt("choices"), Names(kind => kind.HasChoices));
        Assert.Equal(NamedAt("maxLength"), Names(kind => kind.HasLength));
        Assert.Equal(NamedAt("precision"), Names(kind => kind.HasPrecision));
        Assert.Equal(NamedAt("linkTableId"), Names(kind => kind.HasLinks));

        IEnumerable<string> NamedAt(string setting)
        {
            var words = Regex.Matches(settings.GetProperty(setting).GetProperty("description").GetString()!, @"\w+");
            return Names(kind => words.Any(word => word.Value == kind.Name));
        }

        static IEnumerable<string> Names(Func<FieldKind, bool> fits) =>
            _types.Select(type => FieldKind.Find(type)!).Where(fits).Select(kind => kind.Name);
    }

    [Fact]
    public void Messages_list_kinds_as_a_person_does()
    {
        Assert.Equal("text, number or date", FieldKind.NamesOf(kind => kind.Name is "date" or "number" or "text"));
        Assert.Equal("select or multi_select", FieldKind.NamesOf(kind => kind.Name is "select" or "multi_select"));
        Assert.Equal("link", FieldKind.NamesOf(kind => kind.Name == "link"));
        Assert.Equal("", FieldKind.NamesOf(_ => false));
    }

    private static List<string> SourceFiles()
    {
        var files = new DirectoryInfo(Path.Combine(LocalServer.Checkout, "services", "data"))
            .EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(file => file.Extension is ".cs" or ".proto")
            .Select(file => file.FullName.Replace('\\', '/'))
            .Where(file => !file.Contains("/bin/", StringComparison.Ordinal) && !file.Contains("/obj/", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(files);
        return files;
    }
}
