namespace Platform.Hosting.Tests;

/// <summary>A folder of one test, removed with it, that the users of all servers can reach.</summary>
internal sealed class Folder : IDisposable
{
    public string Path { get; } = Directory.CreateDirectory($"/tmp/platform-test-{Guid.NewGuid():n}").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, true);
        }
        catch (IOException)
        {
            // A server's last write may race the removal; the next boot clears /tmp.
        }
    }
}
