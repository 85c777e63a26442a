using Platform.Demo;

namespace Platform.EndToEnd.Tests;

/// <summary>The folder of a suite.</summary>
internal static class SuiteFolder
{
    public static string Next() => Path.Combine(Checkout.Artifacts, "end-to-end", $"{Guid.NewGuid():n}");

    /// <summary>Removes it with the data that PostgreSQL could not keep in it, because its user could not reach it.</summary>
    public static void Delete(string folder)
    {
        var elsewhere = Path.Combine(folder, "servers", "postgres", "elsewhere");
        if (File.Exists(elsewhere))
        {
            System.IO.Directory.Delete(File.ReadAllText(elsewhere).Trim(), recursive: true);
        }

        if (System.IO.Directory.Exists(folder))
        {
            System.IO.Directory.Delete(folder, recursive: true);
        }
    }
}
