using System.IO.Compression;
using System.Text;
using Platform.Native.Feed;

namespace Platform.Native.Tests;

/// <summary>Whole runs in a small checkout of its own, whose only package source is a folder: NuGet is real, no network is used.</summary>
public sealed class FillingTests : IDisposable
{
    private const string Integrity = "sha512-pinned";
    private readonly TemporaryFolder _checkout = new();

    public FillingTests()
    {
        _checkout.Write("Directory.Packages.props", """
            <Project>
              <PropertyGroup>
                <ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally>
                <CentralPackageFloatingVersionsEnabled>true</CentralPackageFloatingVersionsEnabled>
                <AspireVersion>13.0.0</AspireVersion>
              </PropertyGroup>
              <ItemGroup>
                <PackageVersion Include="Field.Wire" Version="3.1.0" />
                <PackageVersion Include="Field.Floating" Version="1.0.*" />
              </ItemGroup>
            </Project>
            """);
        _checkout.Write("native/Bundle.json", $$"""
            {
              "npm": { "package": "none", "version": "1.0.0", "integrity": "{{Integrity}}" },
              "launcher": "none", "folder": "none", "bundle": "app",
              "packages": [
                { "id": "Field.Wire", "version": "3.1.0", "license": "MIT" },
                { "id": "Field.Calls", "version": "2.8.0", "license": "MIT" }
              ]
            }
            """);
        _checkout.Write("artifacts/native/dashboard/.integrity", Integrity);
        File.WriteAllBytes(
            _checkout["artifacts", "native", "dashboard", "app"],
            SyntheticBundle.OfLibraries(
                ("Field.Wire", "3.1.0", "Field.Wire.dll", [1], []), ("Field.Calls", "2.8.0", "Field.Calls.dll", [2], ["Field.Wire"])));
        Directory.CreateDirectory(_checkout["native", "feed"]);
        Directory.CreateDirectory(_checkout["source"]);
        Directory.CreateDirectory(_checkout["complete"]);
        UseSource("source");
    }

    public void Dispose() => _checkout.Dispose();

    [Fact]
    public void What_the_sources_lack_is_made_and_what_they_have_is_not()
    {
        Publish("source", "Field.Wire", "3.1.0");

        var log = Run();

        Assert.Equal(["Field.Calls.2.8.0.nupkg"], Feed());
        Assert.Contains("Field.Calls 2.8.0", log, StringComparison.Ordinal);
        Assert.Equal("The native feed is up to date (1 packages).", Run().Trim());
    }

    [Fact]
    public void Another_version_in_the_sources_does_not_count()
    {
        Publish("source", "Field.Wire", "3.2.0");
        Publish("source", "Field.Calls", "2.8.0");

        Run();

        Assert.Equal(["Field.Wire.3.1.0.nupkg"], Feed());
    }

    [Fact]
    public void Where_the_sources_become_complete_the_feed_and_the_packages_folder_are_cleared()
    {
        Run();
        _checkout.Write("artifacts/packages/field.calls/2.8.0/field.calls.nuspec", "ours");
        Publish("complete", "Field.Wire", "3.1.0");
        Publish("complete", "Field.Calls", "2.8.0");
        UseSource("complete");

        var log = Run();

        Assert.Empty(Feed());
        Assert.False(Directory.Exists(_checkout["artifacts", "packages", "field.calls", "2.8.0"]));
        Assert.Contains("have every package", log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_that_nobody_has_is_named_and_asked_for_again()
    {
        _checkout.Write("Directory.Packages.props", """
            <Project><ItemGroup><PackageVersion Include="Field.Nowhere" Version="1.0.0" /></ItemGroup></Project>
            """);

        Assert.Contains("Field.Nowhere 1.0.0", Run(), StringComparison.Ordinal);
        Assert.Contains("Field.Nowhere 1.0.0", Run(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_that_does_not_answer_is_not_taken_for_one_that_lacks_everything()
    {
        UseSource("not-there");

        Assert.Throws<FeedException>(Run);
        Assert.Empty(Feed());
    }

    [Fact]
    public void A_stand_in_is_packed_again_when_its_sources_change_and_NuGet_forgets_the_old_one()
    {
        _checkout.Write("native/Stand-ins/Aspire.Some/Aspire.Some.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Version>$(AspireVersion)</Version>
              </PropertyGroup>
            </Project>
            """);
        _checkout.Write("native/Stand-ins/Aspire.Some/Some.cs", "namespace Aspire.Some; public class Before { }");
        Run();
        var unpacked = _checkout.Write("artifacts/packages/aspire.some/13.0.0/aspire.some.nuspec", "old");
        Assert.Contains("up to date", Run(), StringComparison.Ordinal);
        Assert.True(File.Exists(unpacked));

        _checkout.Write("native/Stand-ins/Aspire.Some/Some.cs", "namespace Aspire.Some; public class Afterwards { }");
        Run();

        Assert.False(File.Exists(unpacked));
        using var package = ZipFile.OpenRead(_checkout["native", "feed", "Aspire.Some.13.0.0.nupkg"]);
        using var assembly = package.GetEntry("lib/net10.0/Aspire.Some.dll")!.Open();
        using var content = new MemoryStream();
        assembly.CopyTo(content);
        Assert.True(content.ToArray().AsSpan().IndexOf("Afterwards"u8) >= 0);
    }

    [Fact]
    public void A_stand_in_of_another_version_than_the_one_asked_for_is_refused()
    {
        _checkout.Write("native/Stand-ins/Aspire.Some/Aspire.Some.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Version>1.0.0</Version>
              </PropertyGroup>
            </Project>
            """);

        Assert.Contains("Aspire.Some.13.0.0.nupkg", Assert.Throws<FeedException>(Run).Message, StringComparison.Ordinal);
    }

    private string Run()
    {
        using var log = new StringWriter();
        new Filling(new Checkout(_checkout.Path), log).Run();
        return log.ToString();
    }

    private IEnumerable<string?> Feed() =>
        Directory.EnumerateFiles(_checkout["native", "feed"]).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private void UseSource(string folder) => _checkout.Write("nuget.config", $"""
        <configuration>
          <config><add key="globalPackagesFolder" value="artifacts/packages" /></config>
          <packageSources>
            <clear />
            <add key="only" value="{folder}" />
            <add key="native" value="native/feed" />
          </packageSources>
        </configuration>
        """);

    private void Publish(string folder, string id, string version) =>
        new Nupkg(
            id, version, "MIT", null, new Dictionary<string, string>(),
            new Dictionary<string, byte[]> { [$"lib/net10.0/{id}.dll"] = Encoding.UTF8.GetBytes(id) }).Write(_checkout[folder]);
}
