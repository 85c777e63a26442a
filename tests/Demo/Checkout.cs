namespace Platform.Demo;

/// <summary>The folders of the checkout that the demo runs in.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    public static string Artifacts { get; } = Path.Combine(Root, "artifacts");

    /// <summary>What the demo keeps between runs.</summary>
    public static string Folder { get; } = Directory.CreateDirectory(Path.Combine(Artifacts, "demo")).FullName;

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Platform.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DemoFailedException("The demo runs in a checkout of the platform only.");
        }

        return folder;
    }
}
